namespace DynamicMoE;

/// <summary>A CUDA device as its driver describes it.</summary>
public sealed record CudaDeviceInfo
{
    /// <summary>The driver's number of the device.</summary>
    public required int Index { get; init; }

    /// <summary>As the device calls itself.</summary>
    public required string Name { get; init; }

    /// <summary>Whether <see cref="CudaDevice.Open"/> takes it.</summary>
    public required bool IsUsable { get; init; }

    /// <summary>Whether it can be used, or why not; one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>Compute capability, e.g. 8.0. Devices below 8.0 are not used.</summary>
    public required Version ComputeCapability { get; init; }

    /// <summary>CUDA version of the driver, e.g. 12.4.</summary>
    public required Version DriverVersion { get; init; }

    /// <summary>Streaming multiprocessors.</summary>
    public required int Multiprocessors { get; init; }

    /// <summary>Highest clock of the multiprocessors in kHz; 0 when the driver does not say.</summary>
    public required int ClockKilohertz { get; init; }

    /// <summary>Bytes per second of device memory by its clock and bus; 0 when the driver does not say.</summary>
    public required double MemoryBytesPerSecond { get; init; }

    /// <summary>Bytes of the level-2 cache.</summary>
    public required long L2Bytes { get; init; }

    /// <summary>Bytes of device memory.</summary>
    public required long TotalBytes { get; init; }
}
