using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>The end of one asynchronous call on a device.</summary>
internal sealed unsafe class DeviceCompletion(CompletionHandle handle) : IDisposable
{
    /// <summary>Ends when the call has ended, well or not; <see cref="Report"/> says which.</summary>
    internal Task Ended()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        GCHandle context = GCHandle.Alloc(ended);
        try
        {
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_completion_notify(handle, &OnEnded, (void*)GCHandle.ToIntPtr(context)));
            return ended.Task;
        }
        catch
        {
            context.Free();
            throw;
        }
    }

    /// <summary>Waits for the end. Throws what a kernel found wrong.</summary>
    internal RoutingReport Report()
    {
        DmoeBatchReport report = DmoeBatchReport.Create();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_completion_wait(handle, &report));
        return Views.Report(in report);
    }

    public void Dispose() => handle.Dispose();

    // On a thread of the native library. Continuations run elsewhere, so that it is back at once.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEnded(void* context)
    {
        GCHandle held = GCHandle.FromIntPtr((nint)context);
        var ended = (TaskCompletionSource)held.Target!;
        held.Free();
        ended.SetResult();
    }
}
