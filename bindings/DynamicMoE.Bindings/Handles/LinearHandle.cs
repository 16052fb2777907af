using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>Packed dense weights, owned by the native library.</summary>
internal sealed class LinearHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_linear_destroy(handle);
        return true;
    }
}
