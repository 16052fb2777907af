using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>The end of one asynchronous call; releasing it waits for the call.</summary>
internal sealed class CompletionHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_completion_destroy(handle);
        return true;
    }
}
