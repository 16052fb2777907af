using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>A set of packed experts, owned by the native library.</summary>
internal sealed class ExpertsHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_experts_destroy(handle);
        return true;
    }
}
