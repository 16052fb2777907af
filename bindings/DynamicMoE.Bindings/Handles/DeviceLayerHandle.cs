using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>A layer's copy on a device.</summary>
internal sealed class DeviceLayerHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_device_layer_destroy(handle);
        return true;
    }
}
