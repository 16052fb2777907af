namespace DynamicMoE;

/// <content>What the open <see cref="CudaDevice"/> objects publish, read whenever somebody collects. Label <c>device</c> is the driver's number of the device; what
/// several objects of one device hold and have run is summed. A device that has failed has no gauges any more, its counters stay.</content>
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

    /// <summary>Counter, <c>{call}</c>, labels <c>device</c> and <c>graph</c> (true, false): layer calls that ran as one CUDA graph, or kernel by kernel.</summary>
    public const string DeviceLaunches = "dynamicmoe.device.launches";

    /// <summary>Counter, <c>{allocation}</c>, label <c>device</c>: allocations that succeeded only after the pool was trimmed.</summary>
    public const string DeviceAllocationRetries = "dynamicmoe.device.allocation_retries";
}
