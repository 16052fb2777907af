using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>A layer's copy on a device, and its part in that device.</summary>
internal sealed class DeviceCopy : IDisposable
{
    private readonly SharedCudaDevices.Lease? _lease;

    private DeviceCopy(CudaDevice device, SharedCudaDevices.Lease? lease, LayerHandle layer)
    {
        Device = device;
        _lease = lease;

        // A device that its owner disposes of stays open for the layers on it.
        bool held = false;
        device.Handle.DangerousAddRef(ref held);
        try
        {
            Handle = DeviceLayerCalls.Create(device.Handle, layer, graphs: true);
        }
        catch
        {
            device.Handle.DangerousRelease();
            throw;
        }
    }

    internal CudaDevice Device { get; }

    internal DeviceLayerHandle Handle { get; }

    /// <summary>The copy that the options ask for, or null and why there is none.</summary>
    /// <exception cref="BackendException">The device is not usable, and the processor may not take its place.</exception>
    /// <exception cref="InsufficientDeviceMemoryException">The layer does not fit, and the processor may not take the device's place.</exception>
    /// <exception cref="RouterConfigurationException">The layer is beyond the device's limits, or there is no such device.</exception>
    internal static (DeviceCopy? Copy, string Reason) Of(LayerHandle layer, MoELayerOptions options, bool fallBack)
    {
        if (options.CudaDevice is null && options.Device.Kind == ComputeDeviceKind.Cpu)
        {
            return (null, "The options ask for the processor.");
        }

        SharedCudaDevices.Lease? lease = null;
        try
        {
            options.CudaDevice?.ThrowIfDisposed();
            lease = options.CudaDevice is null ? SharedCudaDevices.Rent(options.Device.Index) : null;
            CudaDevice device = options.CudaDevice ?? lease!.Device;
            string asked = options.CudaDevice is null ? $"the options ask for {options.Device}" : "it was handed in";
            return (new DeviceCopy(device, lease, layer), $"{device.Info.Name}: {asked}.");
        }
        catch (Exception error) when (fallBack && error is (BackendException or InsufficientDeviceMemoryException or RouterConfigurationException))
        {
            lease?.Dispose();
            return (null, $"The processor, because {error.Message}");
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Handle.Dispose();
        DeviceGauges.ReadLast(Device.Handle);  // this layer may be the last that keeps the device open
        Device.Handle.DangerousRelease();
        _lease?.Dispose();
    }
}
