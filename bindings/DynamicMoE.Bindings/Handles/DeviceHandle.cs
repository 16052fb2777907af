using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>A GPU: its context, kernels and memory pool.</summary>
internal sealed class DeviceHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.dmoe_device_destroy(handle);
        return true;
    }
}
