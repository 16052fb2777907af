using DynamicMoE.Cli.Benchmarking.Cuda;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking.Cuda;

public sealed class CudaCardTests
{
    [Theory]
    [InlineData("NVIDIA A100-SXM4-80GB", "A100")]
    [InlineData("NVIDIA H100 80GB HBM3", "H100")]
    [InlineData("NVIDIA L4", "L4")]
    public void Of_ACardOfTheReport_IsItsDataSheet(string device, string card) =>
        Assert.Equal(card, CudaCard.Of(Device(device, new Version(8, 0), 108, 1410000, 2e12))?.Name);

    // Boost clocks and buses of the data sheets: what follows must be their dense rates.
    [Theory]
    [InlineData("NVIDIA A100-PCIE-40GB", "8.0", 108, 1410000, 312e12, 19.5e12)]
    [InlineData("NVIDIA A10", "8.6", 72, 1695000, 125e12, 31.2e12)]
    [InlineData("NVIDIA GeForce RTX 3090", "8.6", 82, 1695000, 71e12, 35.6e12)]
    [InlineData("NVIDIA L40", "8.9", 142, 2490000, 181e12, 90.5e12)]
    [InlineData("NVIDIA L40S", "8.9", 142, 2520000, 366e12, 91.6e12)]
    [InlineData("NVIDIA GeForce RTX 4090", "8.9", 128, 2520000, 165.2e12, 82.6e12)]
    [InlineData("NVIDIA H200", "9.0", 132, 1830000, 989e12, 61.8e12)]
    public void Of_AnotherCard_IsWhatItsClocksGive(string name, string capability, int multiprocessors, int kilohertz, double tensor, double plain)
    {
        CudaCard? card = CudaCard.Of(Device(name, Version.Parse(capability), multiprocessors, kilohertz, 1.5e12));

        Assert.NotNull(card);
        Assert.InRange(card.TensorFlops / tensor, 0.98, 1.02);
        Assert.InRange(card.Float32Flops / plain, 0.98, 1.02);
        Assert.Equal(1.5e12, card.BytesPerSecond);
        Assert.NotEqual(CudaCard.All[0].Source, card.Source);
    }

    [Fact]
    public void Of_ACardOfWhichTooLittleIsKnown_IsNone()
    {
        Assert.Null(CudaCard.Of(Device("NVIDIA B200", new Version(10, 0), 148, 1965000, 8e12)));
        Assert.Null(CudaCard.Of(Device("NVIDIA A30", new Version(8, 0), 56, 0, 0.9e12)));
        Assert.Null(CudaCard.Of(Device("NVIDIA A30", new Version(8, 0), 56, 1440000, 0)));
    }

    private static CudaDeviceInfo Device(string name, Version capability, int multiprocessors, int kilohertz, double bytesPerSecond) => new()
    {
        Index = 0,
        Name = name,
        IsUsable = true,
        Reason = "usable",
        ComputeCapability = capability,
        DriverVersion = new Version(12, 4),
        Multiprocessors = multiprocessors,
        ClockKilohertz = kilohertz,
        MemoryBytesPerSecond = bytesPerSecond,
        L2Bytes = 40 << 20,
        TotalBytes = 40L << 30,
    };
}
