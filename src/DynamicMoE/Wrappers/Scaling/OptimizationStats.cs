namespace DynamicMoE;

/// <summary>What an <see cref="OptimizedRouter"/> measured and decided.</summary>
/// <param name="Performance">Calls, rates and latencies.</param>
/// <param name="Autoscaler">Load, and what was made of it.</param>
/// <param name="MemoryPool">Native workspaces.</param>
public sealed record OptimizationStats(OptimizationPerformance Performance, AutoscalerStatus Autoscaler, MemoryPoolStats MemoryPool);
