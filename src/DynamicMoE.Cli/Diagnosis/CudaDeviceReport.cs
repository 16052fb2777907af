namespace DynamicMoE.Cli.Diagnosis;

/// <summary>A CUDA device.</summary>
/// <param name="Index">The driver's number.</param>
/// <param name="Name">As it calls itself.</param>
/// <param name="ComputeCapability">major.minor.</param>
/// <param name="TotalBytes">Device memory.</param>
/// <param name="Usable">Whether layers can compute there.</param>
/// <param name="Reason">Why, or why not.</param>
internal sealed record CudaDeviceReport(int Index, string Name, string ComputeCapability, long TotalBytes, bool Usable, string Reason)
{
    public static CudaDeviceReport Of(CudaDeviceInfo info) =>
        new(info.Index, info.Name, info.ComputeCapability.ToString(), info.TotalBytes, info.IsUsable, info.Reason);
}
