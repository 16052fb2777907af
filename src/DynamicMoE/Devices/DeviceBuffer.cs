using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Device memory of a <see cref="CudaDevice"/>. Dispose it: nothing else gives it back, since only its owner knows when the device has done with its address.</summary>
public sealed class DeviceBuffer : IDisposable
{
    private readonly DeviceHandle _device;
    private int _disposed;

    internal DeviceBuffer(DeviceHandle device, ulong address, long bytes)
    {
        bool held = false;
        device.DangerousAddRef(ref held);
        _device = device;
        Address = (nint)address;
        Bytes = bytes;
    }

    /// <summary>Device address (CUdeviceptr), aligned to 256.</summary>
    public nint Address { get; }

    /// <summary>Size.</summary>
    public long Bytes { get; }

    /// <summary>Copies values to the begin of the buffer and waits for it.</summary>
    /// <typeparam name="T">Any type without references.</typeparam>
    /// <param name="values">Not larger than the buffer.</param>
    /// <param name="stream">Stream (CUstream) in whose order the copy runs; 0 = the device's own.</param>
    /// <exception cref="RoutingValidationException"><paramref name="values"/> is larger than the buffer.</exception>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public void CopyFrom<T>(ReadOnlySpan<T> values, nint stream = 0)
        where T : unmanaged
    {
        RequireRoom(values.Length, DeviceCalls.SizeOf<T>());
        DeviceCalls.Upload(_device, (ulong)Address, values, stream);
    }

    /// <summary>Copies values from the begin of the buffer and waits for it.</summary>
    /// <typeparam name="T">Any type without references.</typeparam>
    /// <param name="values">[out] Not larger than the buffer.</param>
    /// <param name="stream">Stream (CUstream) in whose order the copy runs; 0 = the device's own.</param>
    /// <exception cref="RoutingValidationException"><paramref name="values"/> is larger than the buffer.</exception>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public void CopyTo<T>(Span<T> values, nint stream = 0)
        where T : unmanaged
    {
        RequireRoom(values.Length, DeviceCalls.SizeOf<T>());
        DeviceCalls.Download(_device, (ulong)Address, values, stream);
    }

    /// <summary>Copies from a place within the buffer.</summary>
    internal void CopyTo<T>(long offset, Span<T> values)
        where T : unmanaged
    {
        RequireRoom(values.Length, DeviceCalls.SizeOf<T>(), offset);
        DeviceCalls.Download(_device, (ulong)(Address + (nint)offset), values, 0);
    }

    /// <summary>Gives the memory back; no call under way may use it. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            // A failed device cannot free; the driver does when the process ends.
            _ = DeviceCalls.TryFree(_device, (ulong)Address);
            _device.DangerousRelease();
        }
    }

    private void RequireRoom(int count, int size, long offset = 0)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (offset + ((long)count * size) > Bytes)
        {
            throw new RoutingValidationException($"{count} values of {size} bytes exceed the buffer of {Bytes} bytes.");
        }
    }
}
