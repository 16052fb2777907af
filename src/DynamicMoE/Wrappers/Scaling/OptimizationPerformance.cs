namespace DynamicMoE;

/// <summary>Calls of an <see cref="OptimizedRouter"/>; totals begin anew when <see cref="CallsAre"/> changes. Rates and percentiles are of the window (<see cref="ScalingOptions.Stabilization"/>, or the time since
/// the router was built where that is shorter), failed calls included; percentiles are known to 1/16 of their value, rounded up.</summary>
public sealed record OptimizationPerformance
{
    /// <summary>What counts as a call: batches of layers once a layer over the router ran one, else batches of the router.</summary>
    public required MonitoredCalls CallsAre { get; init; }

    /// <summary>Calls since the router was built.</summary>
    public required long TotalCalls { get; init; }

    /// <summary>Calls among them that ended with an exception.</summary>
    public required long FailedCalls { get; init; }

    /// <summary>Tokens of calls that did not fail.</summary>
    public required long TotalTokens { get; init; }

    /// <summary>Calls that run now.</summary>
    public required int RunningCalls { get; init; }

    /// <summary>Calls per second.</summary>
    public required double CallsPerSecond { get; init; }

    /// <summary>Tokens per second.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Median of a call; zero without calls.</summary>
    public required TimeSpan P50 { get; init; }

    /// <summary>95th percentile of a call; zero without calls.</summary>
    public required TimeSpan P95 { get; init; }

    /// <summary>99th percentile of a call; zero without calls.</summary>
    public required TimeSpan P99 { get; init; }
}
