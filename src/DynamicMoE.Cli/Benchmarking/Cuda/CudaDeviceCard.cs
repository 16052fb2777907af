using System.Globalization;

namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>A card by what its driver says, where its data sheet is not among the report's: clock and number of multiprocessors times what one of that architecture does per clock.</summary>
internal static class CudaDeviceCard
{
    // Operations of a multiprocessor per clock (a multiply-add is two): bfloat16 on tensor cores with float32 sums, and float32. The dense rates of data sheets over their clocks and multiprocessors.
    private static readonly Dictionary<string, (double Tensor, double Float32)> PerClock = new()
    {
        ["sm_80"] = (2048, 128),
        ["sm_86"] = (1024, 256),
        ["sm_89"] = (1024, 256),
        ["sm_90"] = (4096, 256),
    };

    /// <summary>The card; null when its architecture is not known here, or the driver keeps a figure to itself.</summary>
    public static CudaCard? Of(CudaDeviceInfo device)
    {
        string architecture = string.Create(CultureInfo.InvariantCulture, $"sm_{device.ComputeCapability.Major}{device.ComputeCapability.Minor}");
        if (!PerClock.TryGetValue(architecture, out (double Tensor, double Float32) perClock) || device.ClockKilohertz <= 0 || device.MemoryBytesPerSecond <= 0)
        {
            return null;
        }

        // GeForce cards and the L40 sum bfloat16 products in float32 at half of the rate.
        bool half = architecture is "sm_86" or "sm_89" && (device.Name.Contains("GeForce", StringComparison.OrdinalIgnoreCase) || device.Name == "NVIDIA L40");
        double clocks = 1000.0 * device.ClockKilohertz * device.Multiprocessors;
        return new CudaCard(
            device.Name, device.Name, architecture, device.Multiprocessors, device.MemoryBytesPerSecond, clocks * perClock.Tensor / (half ? 2 : 1), clocks * perClock.Float32, device.L2Bytes,
            "clocks and memory bus that the driver tells");
    }
}
