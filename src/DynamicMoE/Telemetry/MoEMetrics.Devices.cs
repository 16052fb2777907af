namespace DynamicMoE;

/// <content>What the open <see cref="CudaDevice"/> objects publish, read whenever somebody collects. Label <c>device</c> is the driver's number of the device; what
/// several objects of one device hold and have run is summed. An object is open until it is disposed and the last layer, buffer and stream on it is too; gauges end
/// there, and with a failure of the device. Counters stay as long as the process: one that is disposed is read once more, if somebody listens. They lack what ran
/// since they were last read on a device that failed, that was dropped without <see cref="CudaDevice.Dispose"/>, or that buffers and streams kept open after it.</content>
public static partial class MoEMetrics
{
    /// <summary>Gauge, bytes, label <c>device</c>: device memory that this library holds: weights, workspaces, buffers.</summary>
    public const string DeviceMemoryUsed = "dynamicmoe.device.memory.used";

    /// <summary>Gauge, bytes, label <c>device</c>: device memory that the library's pools have from the driver, <see cref="DeviceMemoryUsed"/> included.</summary>
    public const string DeviceMemoryReserved = "dynamicmoe.device.memory.reserved";

    /// <summary>Gauge, bytes, label <c>device</c>: free memory of the whole device; other processes use it too.</summary>
    public const string DeviceMemoryFree = "dynamicmoe.device.memory.free";

    /// <summary>Gauge, <c>{call}</c>, label <c>device</c>: calls under way.</summary>
    public const string DeviceCalls = "dynamicmoe.device.calls";

    /// <summary>Counter, <c>{run}</c>, labels <c>device</c> and <c>graph</c> (true, false): runs of a chunk's steps, as one CUDA graph or kernel by kernel. Not calls
    /// of layers: one of more tokens than a chunk has, or with limits, makes several.</summary>
    public const string DeviceLaunches = "dynamicmoe.device.launches";

    /// <summary>Counter, <c>{allocation}</c>, label <c>device</c>: allocations that succeeded only after the pool was trimmed.</summary>
    public const string DeviceAllocationRetries = "dynamicmoe.device.allocation_retries";
}
