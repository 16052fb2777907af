using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>What runs here, and why.</summary>
public sealed record RuntimeInfo
{
    /// <summary>File that the native library was loaded from.</summary>
    public required string LibraryPath { get; init; }

    /// <summary>Version of the native library.</summary>
    public required string LibraryVersion { get; init; }

    /// <summary>Version of its C ABI.</summary>
    public required Version AbiVersion { get; init; }

    /// <summary>Instruction-set level in force for <see cref="InstructionSet.Auto"/>.</summary>
    public required InstructionSet Isa { get; init; }

    /// <summary>The level and why it is in force; one sentence.</summary>
    public required string IsaReason { get; init; }

    /// <summary>Levels that run here.</summary>
    public required IReadOnlyList<InstructionSet> SupportedIsas { get; init; }

    /// <summary>The processor, as it calls itself.</summary>
    public required string CpuName { get; init; }

    /// <summary>Who made the processor: AuthenticAMD, GenuineIntel and so on; the architecture's name where processors do not tell.</summary>
    public required string CpuVendor { get; init; }

    /// <summary>Logical processors in this process's affinity mask.</summary>
    public required int LogicalCpus { get; init; }

    /// <summary>Distinct cores among them.</summary>
    public required int PhysicalCores { get; init; }

    /// <summary>Threads that a call may use, the caller included.</summary>
    public required int PoolThreads { get; init; }

    /// <summary>Version of the cgroup found; 0 = none.</summary>
    public required int CgroupVersion { get; init; }

    /// <summary>Cores granted by the cgroup; null = no limit.</summary>
    public required double? CpuQuota { get; init; }

    /// <summary>Second-level cache per core, bytes; 0 = unknown.</summary>
    public required long L2Bytes { get; init; }

    /// <summary>Third-level cache in all, bytes; 0 = unknown.</summary>
    public required long L3Bytes { get; init; }

    /// <summary>Bytes now held by the native library.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Allocations ever made by the native library.</summary>
    public required long AllocationCount { get; init; }

    /// <summary>What was found of CUDA, or why there is none; one sentence. By the driver of <see cref="NativeLibraryOptions.CudaDriverPath"/>, else by the system's,
    /// which is asked once per process.</summary>
    public required string CudaReason { get; init; }

    /// <summary>Calls of layers and dense products that hold a core now.</summary>
    public required long CallsRunning { get; init; }

    /// <summary>Such calls that wait for a core now.</summary>
    public required long CallsWaiting { get; init; }

    /// <summary>Asks the native library, and the driver of <see cref="NativeLibraryOptions.CudaDriverPath"/> about each of its devices: nothing to do for each call of a layer.</summary>
    /// <returns>The state now.</returns>
    /// <exception cref="BackendException">The library is missing, its ABI does not fit, or DYNAMIC_MOE_ISA names a level that does not run here.</exception>
    /// <exception cref="PlatformNotSupportedException">No native library is made for this platform.</exception>
    public static RuntimeInfo Query() => RuntimeCalls.Query();
}
