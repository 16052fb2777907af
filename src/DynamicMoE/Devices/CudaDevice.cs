using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// An open CUDA device: its primary context, the library's kernels and a memory pool. Many threads may use it at once. The primary context is that
/// of the CUDA runtime and of ManagedCuda's <c>PrimaryContext</c>, so that their device pointers and streams can be handed in.
/// </summary>
/// <remarks>The kernels have been run by a simulator and by an interpreter of their PTX, never yet on a GPU.</remarks>
public sealed class CudaDevice : IDisposable
{
    private volatile bool _disposed;

    private CudaDevice(DeviceHandle handle)
    {
        Handle = handle;
        Info = DeviceCalls.Describe(handle);
        DeviceGauges.Watch(handle, Info.Index);
    }

    /// <summary>The device.</summary>
    public CudaDeviceInfo Info { get; }

    internal DeviceHandle Handle { get; }

    /// <summary>Lists devices, usable or not.</summary>
    /// <param name="driverPath">File of the driver's library; null = <see cref="NativeLibraryOptions.CudaDriverPath"/>, or the system's.</param>
    /// <returns>The devices in the driver's order; empty where there is no driver or no device; <see cref="Open"/> says which.</returns>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public static IReadOnlyList<CudaDeviceInfo> List(string? driverPath = null) => DeviceCalls.List(driverPath ?? NativeLibraryOptions.CudaDriverPath);

    /// <summary>Opens a device: the driver compiles the kernels for it, which takes seconds the first time and is cached by the driver.</summary>
    /// <param name="options">Which one, and how; null for the defaults.</param>
    /// <returns>The device; dispose it when nothing needs it any more. Layers on it keep what they need.</returns>
    /// <exception cref="RouterConfigurationException">An option is outside its range, or there is no device of that number.</exception>
    /// <exception cref="BackendException">No driver, no usable device, or the driver refuses the kernels: "unavailable, because ...".</exception>
    /// <exception cref="InsufficientDeviceMemoryException">The device's memory is full.</exception>
    public static CudaDevice Open(CudaDeviceOptions? options = null)
    {
        DeviceHandle handle = DeviceCalls.Open((options ?? new CudaDeviceOptions()).Validated());
        try
        {
            return new CudaDevice(handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>How the device's memory is used now.</summary>
    /// <returns>Figures of the whole device and of this library.</returns>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The device is disposed.</exception>
    public DeviceMemoryUsage GetMemoryUsage()
    {
        ThrowIfDisposed();
        return DeviceCalls.Memory(Handle);
    }

    /// <summary>Lets the device write a word and reads it back.</summary>
    /// <exception cref="BackendException">The device does not answer; what it says. A device that has failed does not recover within the process.</exception>
    /// <exception cref="ObjectDisposedException">The device is disposed.</exception>
    public void CheckHealth()
    {
        ThrowIfDisposed();
        DeviceCalls.Health(Handle);
    }

    /// <summary>Gives memory that the pool keeps for reuse back to the driver.</summary>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The device is disposed.</exception>
    public void TrimMemory()
    {
        ThrowIfDisposed();
        DeviceCalls.Trim(Handle);
    }

    /// <summary>Takes device memory.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <returns>The memory, aligned to 256, its content undefined; dispose it when no call uses it any more.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is below 1.</exception>
    /// <exception cref="InsufficientDeviceMemoryException">So much is not free, also after the pool was trimmed.</exception>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The device is disposed.</exception>
    public DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        ThrowIfDisposed();
        return AllocateForLayer(bytes);
    }

    /// <summary>Takes device memory and copies values into it.</summary>
    /// <param name="values">At least one.</param>
    /// <returns>The memory; dispose it when no call uses it any more.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="values"/> is empty.</exception>
    /// <exception cref="InsufficientDeviceMemoryException">So much is not free, also after the pool was trimmed.</exception>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The device is disposed.</exception>
    public DeviceBuffer Upload(ReadOnlySpan<float> values)
    {
        DeviceBuffer buffer = Allocate((long)values.Length * sizeof(float));
        try
        {
            buffer.CopyFrom(values);
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>Makes a stream: work on it runs in order, beside that of other streams.</summary>
    /// <returns>The stream; dispose it when its work is no longer of interest.</returns>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The device is disposed.</exception>
    public DeviceStream CreateStream()
    {
        ThrowIfDisposed();
        return new DeviceStream(Handle, DeviceCalls.CreateStream(Handle));
    }

    /// <summary>Closes the device once no layer, buffer or stream needs it. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        DeviceGauges.ReadLast(Handle);
        Handle.Dispose();
    }

    /// <summary>Memory for a layer on the device, which keeps it open whatever its owner does.</summary>
    internal DeviceBuffer AllocateForLayer(long bytes) => new(Handle, DeviceCalls.Allocate(Handle, bytes), bytes);

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);
}
