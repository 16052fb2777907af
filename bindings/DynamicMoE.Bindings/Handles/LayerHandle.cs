using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>Router, experts and workspaces, owned by the native library.</summary>
internal sealed class LayerHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_layer_destroy(handle);
        return true;
    }
}
