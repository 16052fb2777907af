namespace DynamicMoE.Cli.Diagnosis;

/// <summary>What the native core can use on this machine.</summary>
internal sealed record DoctorReport
{
    /// <summary>What is not known of CUDA.</summary>
    public const string NotMeasured = "the CUDA kernels have been tested without a GPU only: nothing has been measured on hardware yet";

    /// <summary>Whether the native library can be used.</summary>
    public required bool Usable { get; init; }

    /// <summary>Why not; null when it can.</summary>
    public string? Problem { get; init; }

    /// <summary>File of the native library.</summary>
    public string? LibraryPath { get; init; }

    /// <summary>Its version.</summary>
    public string? LibraryVersion { get; init; }

    /// <summary>Version of its C ABI, major.minor.</summary>
    public string? AbiVersion { get; init; }

    /// <summary>Instruction-set level in force.</summary>
    public string? Isa { get; init; }

    /// <summary>The level and why it is in force, one sentence.</summary>
    public string? IsaReason { get; init; }

    /// <summary>Levels that run here.</summary>
    public IReadOnlyList<string> SupportedIsas { get; init; } = [];

    /// <summary>The processor, as it calls itself.</summary>
    public string? Cpu { get; init; }

    /// <summary>Logical processors of this process.</summary>
    public int LogicalCpus { get; init; }

    /// <summary>Distinct cores among them.</summary>
    public int PhysicalCores { get; init; }

    /// <summary>Threads of a native call.</summary>
    public int PoolThreads { get; init; }

    /// <summary>cgroup version, 0 = none.</summary>
    public int CgroupVersion { get; init; }

    /// <summary>Cores granted by the cgroup; null = no limit.</summary>
    public double? CpuQuota { get; init; }

    /// <summary>Second-level cache per core, bytes; 0 = unknown.</summary>
    public long L2Bytes { get; init; }

    /// <summary>Third-level cache, bytes; 0 = unknown.</summary>
    public long L3Bytes { get; init; }

    /// <summary>What was found of CUDA, or why there is none.</summary>
    public string? Cuda { get; init; }

    /// <summary>CUDA devices, usable or not.</summary>
    public IReadOnlyList<CudaDeviceReport> CudaDevices { get; init; } = [];

    /// <summary>The .NET runtime.</summary>
    public required string Runtime { get; init; }
}
