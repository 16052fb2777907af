namespace DynamicMoE.Native;

/// <summary>How busy the native library is.</summary>
/// <param name="PoolThreads">Threads that a call may use, the caller included.</param>
/// <param name="CallsWaiting">Calls of layers and dense products that wait for a core.</param>
/// <param name="AllocatedBytes">Bytes held.</param>
/// <param name="AllocationCount">Allocations ever made.</param>
internal readonly record struct NativeLoad(int PoolThreads, long CallsWaiting, long AllocatedBytes, long AllocationCount);
