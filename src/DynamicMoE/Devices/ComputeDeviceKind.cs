namespace DynamicMoE;

/// <summary>Kinds of <see cref="ComputeDevice"/>.</summary>
public enum ComputeDeviceKind
{
    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>The best usable CUDA device, or the processor when there is none.</summary>
    Auto,

    /// <summary>A CUDA device.</summary>
    Cuda,
}
