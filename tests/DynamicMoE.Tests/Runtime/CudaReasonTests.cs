using DynamicMoE.TestKit.Devices;

namespace DynamicMoE.Tests.Runtime;

/// <summary>What <see cref="RuntimeInfo.CudaReason"/> says of the driver that is in force.</summary>
[Collection(SimulatedDriver.Collection)]
public sealed class CudaReasonTests : IDisposable
{
    public CudaReasonTests()
    {
        SimulatedDriver.Reset();
        NativeLibraryOptions.CudaDriverPath = SimulatedDriver.File;
    }

    public void Dispose() => NativeLibraryOptions.CudaDriverPath = null;

    [Fact]
    public void Query_WhenTheDriverHasADevice_IsTheReasonOfTheOneThatOpenTakes()
    {
        SimulatedDriver.Reset("devices=2;multiprocessors=2/8");
        using CudaDevice best = CudaDevice.Open();

        string reason = RuntimeInfo.Query().CudaReason;

        Assert.StartsWith("available: ", reason, StringComparison.Ordinal);
        Assert.Equal(1, best.Info.Index);
        Assert.Equal(best.Info.Reason, reason);
    }

    [Theory]
    [InlineData("devices=0", "the driver finds no device")]
    [InlineData("capability=75", "compute capability 7.5")]
    [InlineData("driver=11000", "CUDA 11.0")]
    [InlineData("fail=cuInit:1:0:0", "cuInit gave")]
    [InlineData("fail=cuDeviceTotalMem_v2:1:0:0", "cuDeviceTotalMem")]
    public void Query_WhenTheDriverIsNoUse_SaysWhy(string machine, string why)
    {
        SimulatedDriver.Reset(machine);

        string reason = RuntimeInfo.Query().CudaReason;

        Assert.StartsWith("unavailable, because ", reason, StringComparison.Ordinal);
        Assert.Contains(why, reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Query_WhenThereIsNoFileOfThatName_NamesIt()
    {
        NativeLibraryOptions.CudaDriverPath = "/no/such/libcuda.so.1";

        Assert.Equal("unavailable, because /no/such/libcuda.so.1 was not found", RuntimeInfo.Query().CudaReason);
    }

    [Fact]
    public void Query_WhenNoPathIsSet_IsOfTheSystemsDriver()
    {
        NativeLibraryOptions.CudaDriverPath = null;

        string reason = RuntimeInfo.Query().CudaReason;

        Assert.Matches("^(unavailable, because|available:) ", reason);
        Assert.DoesNotContain("Simulated", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Query_WhenDevicesAreEqual_MakesNoContext()
    {
        SimulatedDriver.Reset("devices=2");

        _ = RuntimeInfo.Query().CudaReason;

        Assert.Equal(0, SimulatedDriver.Calls("cuDevicePrimaryCtxRetain"));
    }
}
