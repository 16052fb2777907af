using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>Gate weights and gating rules, owned by the native library.</summary>
internal sealed class RouterHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_router_destroy(handle);
        return true;
    }
}
