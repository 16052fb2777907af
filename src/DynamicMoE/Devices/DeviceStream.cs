using System.Diagnostics.CodeAnalysis;
using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>A stream of a <see cref="CudaDevice"/>. Dispose it: nothing else frees it.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "Stream is what CUDA calls it.")]
public sealed class DeviceStream : IDisposable
{
    private readonly DeviceHandle _device;
    private int _disposed;

    internal DeviceStream(DeviceHandle device, nint handle)
    {
        bool held = false;
        device.DangerousAddRef(ref held);
        _device = device;
        Handle = handle;
    }

    /// <summary>The driver's stream (CUstream).</summary>
    public nint Handle { get; }

    /// <summary>Whether all work handed to the stream is done.</summary>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public bool IsIdle
    {
        get
        {
            ThrowIfDisposed();
            return DeviceCalls.IsIdle(_device, Handle);
        }
    }

    /// <summary>Waits until all work handed to the stream is done.</summary>
    /// <exception cref="BackendException">The device has failed.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public void Wait()
    {
        ThrowIfDisposed();
        DeviceCalls.Wait(_device, Handle);
    }

    /// <summary>Waits for the stream's work and frees it. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = DeviceCalls.TryClose(_device, Handle);
            _device.DangerousRelease();
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
}
