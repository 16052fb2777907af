using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls about the library itself.</summary>
internal static unsafe class RuntimeCalls
{
    internal static RuntimeInfo Query()
    {
        NativeStatus.RequireLibrary();
        DmoeRuntimeInfo info = DmoeRuntimeInfo.Create();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_runtime_query(&info));
        var supported = new List<InstructionSet>();
        foreach (InstructionSet isa in Enum.GetValues<InstructionSet>())
        {
            if (isa != InstructionSet.Auto && (info.IsaSupported & (1 << (int)isa)) != 0)
            {
                supported.Add(isa);
            }
        }

        return new RuntimeInfo
        {
            LibraryPath = NativeLibraryLocator.LoadedPath ?? "",
            LibraryVersion = NativeStatus.Text(info.LibraryVersion),
            AbiVersion = new Version((int)(info.AbiVersion >> 16), (int)(info.AbiVersion & 0xFFFF)),
            Isa = (InstructionSet)info.Isa,
            IsaReason = NativeStatus.Text(info.IsaReason),
            SupportedIsas = supported,
            CpuName = NativeStatus.Text(info.CpuName),
            CpuVendor = CpuVendor.Name,
            LogicalCpus = info.LogicalCpus,
            PhysicalCores = info.PhysicalCores,
            PoolThreads = info.PoolThreads,
            CgroupVersion = info.CgroupVersion,
            CpuQuota = info.CpuQuota == 0 ? null : info.CpuQuota,
            L2Bytes = info.L2Bytes,
            L3Bytes = info.L3Bytes,
            AllocatedBytes = info.AllocatedBytes,
            AllocationCount = info.AllocationCount,
            // The native one is that of the default driver.
            CudaReason = NativeLibraryOptions.CudaDriverPath is { } driver ? DeviceCalls.Reason(driver) : DeviceCalls.Sentence(NativeStatus.Text(info.CudaReason)),
            CallsRunning = info.CallsRunning,
            CallsWaiting = info.CallsWaiting,
        };
    }

    /// <summary>Bytes now held by the native library; 0 while it is not loaded, which this does not change.</summary>
    internal static long AllocatedBytes
    {
        get
        {
            if (NativeLibraryLocator.LoadedPath is null)
            {
                return 0;
            }

            DmoeRuntimeInfo info = DmoeRuntimeInfo.Create();
            return NativeMethods.dmoe_runtime_query(&info) == DmoeStatus.Ok ? info.AllocatedBytes : 0;
        }
    }

    /// <summary>What changes from moment to moment. Allocates nothing.</summary>
    internal static NativeLoad Load()
    {
        NativeStatus.RequireLibrary();
        DmoeRuntimeInfo info = DmoeRuntimeInfo.Create();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_runtime_query(&info));
        return new NativeLoad(info.PoolThreads, info.CallsWaiting, info.AllocatedBytes, info.AllocationCount);
    }

    internal static void SetThreads(int threads)
    {
        NativeStatus.RequireLibrary();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_runtime_set_threads(threads));
    }

    internal static string? LibraryPath
    {
        get => NativeLibraryLocator.ExplicitPath;
        set => NativeLibraryLocator.ExplicitPath = value;
    }
}
