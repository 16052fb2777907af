namespace DynamicMoE;

/// <summary>How the memory of a <see cref="CudaDevice"/> is used, and what ran there.</summary>
/// <param name="TotalBytes">Of the whole device.</param>
/// <param name="FreeBytes">Of the whole device; other processes use it too.</param>
/// <param name="UsedBytes">Held by this library: weights, workspaces, buffers.</param>
/// <param name="ReservedBytes">That the library's pool has from the driver, <paramref name="UsedBytes"/> included.</param>
/// <param name="Calls">Calls under way.</param>
/// <param name="Launches">Runs of a chunk's steps kernel by kernel, ever. A layer call of more tokens than a chunk has, or with limits, makes several.</param>
/// <param name="GraphLaunches">Such runs as one CUDA graph, ever.</param>
/// <param name="Retries">Allocations that succeeded only after the pool was trimmed, ever.</param>
public readonly record struct DeviceMemoryUsage(
    long TotalBytes, long FreeBytes, long UsedBytes, long ReservedBytes, int Calls, long Launches, long GraphLaunches, long Retries);
