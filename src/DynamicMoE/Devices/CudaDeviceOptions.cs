namespace DynamicMoE;

/// <summary>Which CUDA device to open, and how. Checked when it is opened; later changes have no effect.</summary>
public sealed class CudaDeviceOptions
{
    /// <summary>Most calls under way at a time; each has a workspace of its own on the device, further ones wait.</summary>
    /// <value>Between 1 and 64. The default is 4.</value>
    public int MaxCalls { get; set; } = 4;

    /// <summary>The driver's number of the device.</summary>
    /// <value>At least 0; or null, the default: the best usable one, by bandwidth of its memory, then compute capability, multiprocessors and memory.</value>
    public int? Index { get; set; }

    /// <summary>Whether each kernel is waited for, so that a failure names the very one. Slow: for diagnosis.</summary>
    /// <value>The default is false.</value>
    public bool CheckEachKernel { get; set; }

    /// <summary>File of the driver's library.</summary>
    /// <value>The default, null, is <see cref="NativeLibraryOptions.CudaDriverPath"/>, and without that the system's <c>libcuda.so.1</c>.</value>
    public string? DriverPath { get; set; }

    internal CudaDeviceOptions Validated()
    {
        new OptionRules(nameof(CudaDeviceOptions))
            .Range(nameof(MaxCalls), MaxCalls, 1, 64)
            .Require(Index is null or >= 0, $"Index ({Index}) must be at least 0, or null.")
            .ThrowIfBroken();
        return (CudaDeviceOptions)MemberwiseClone();
    }
}
