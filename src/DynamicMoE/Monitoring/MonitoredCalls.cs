namespace DynamicMoE;

/// <summary>What counts as a call in <see cref="MonitoringPerformance"/> and <see cref="OptimizationPerformance"/>.</summary>
public enum MonitoredCalls
{
    /// <summary>Batches of the router.</summary>
    Route,

    /// <summary>Batches of layers over the router: routing and experts.</summary>
    Forward,
}
