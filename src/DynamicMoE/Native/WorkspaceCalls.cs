using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on a gate's workspaces.</summary>
internal static unsafe class WorkspaceCalls
{
    /// <exception cref="DynamicMoEMemoryException">They do not fit into memory.</exception>
    internal static void Keep(GateWeights gate, int idle) =>
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_router_keep_workspaces(gate.Handle, idle));

    /// <summary>Frees idle workspaces until no more than so many are held. Does nothing to a gate that is gone.</summary>
    internal static void Trim(GateWeights gate, int most)
    {
        try
        {
            DmoeWorkspaces figures = Query(gate);
            int idle = Math.Max(0, most - figures.InUse);
            if (figures.Blocks - figures.InUse > idle)
            {
                Keep(gate, idle);
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or DynamicMoEMemoryException)
        {
            // It is about memory that nobody waits for: the call that ends here has its result.
        }
    }

    /// <param name="gate">Null for figures of the process alone.</param>
    internal static MemoryPoolStats Stats(GateWeights? gate)
    {
        DmoeWorkspaces figures = gate is null ? default : Query(gate);
        NativeLoad load = RuntimeCalls.Load();
        return new MemoryPoolStats
        {
            HasWorkspaces = gate is not null,
            Workspaces = figures.Blocks,
            InUse = figures.InUse,
            MostInUse = figures.MostInUse,
            Bytes = figures.Bytes,
            Leases = figures.Leases,
            Allocations = figures.Allocations,
            NativeBytes = load.AllocatedBytes,
            NativeAllocations = load.AllocationCount,
        };
    }

    private static DmoeWorkspaces Query(GateWeights gate)
    {
        DmoeWorkspaces figures = DmoeWorkspaces.Create();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_router_workspaces(gate.Handle, &figures));
        return figures;
    }
}
