namespace DynamicMoE.Hosting;

/// <summary>Figures of the service at one moment.</summary>
public sealed record ServiceStats
{
    /// <summary>State of the service.</summary>
    public required ServiceState State { get; init; }

    /// <summary>Name of what is served; empty while nothing is.</summary>
    public required string Model { get; init; }

    /// <summary>Seconds since the service was started.</summary>
    public required double UptimeSeconds { get; init; }

    /// <summary>Whether adaptation stands still.</summary>
    public required bool Frozen { get; init; }

    /// <summary>What became of requests since the start.</summary>
    public required RequestStats Requests { get; init; }

    /// <summary>The queue.</summary>
    public required QueueStats Queue { get; init; }

    /// <summary>The budget; null where what is served has none.</summary>
    public BudgetStats? Budget { get; init; }

    /// <summary>Layers with experts, in order.</summary>
    public required IReadOnlyList<LayerStats> Layers { get; init; }

    /// <summary>Tokens by the number of experts they used, since the model is served: <c>[k]</c> is how many used k. A generated token counts at its mean over layers, rounded.</summary>
    public required IReadOnlyList<long> ExpertsPerToken { get; init; }

    /// <summary>Time of requests from acceptance to answer over the last minute.</summary>
    public required LatencyStats Latency { get; init; }

    /// <summary>The routing cache of the first layer; null: none.</summary>
    public CacheStats? Cache { get; init; }

    /// <summary>The circuit breaker of the first layer's router; null: none.</summary>
    public CircuitBreakerState? CircuitBreaker { get; init; }

    /// <summary>Drift that the guardrail measured; null: no guardrail.</summary>
    public GuardrailStats? Guardrail { get; init; }
}

/// <summary>What became of requests. Accepted = Answered + Failed + Cancelled + those in the queue or running.</summary>
/// <param name="Accepted">Put into the queue.</param>
/// <param name="Answered">Answered in full.</param>
/// <param name="Failed">Ended by an error of their own.</param>
/// <param name="Cancelled">Given up by their callers.</param>
/// <param name="Rejected">Refused because the queue was full or the service did not run.</param>
public sealed record RequestStats(long Accepted, long Answered, long Failed, long Cancelled, long Rejected);

/// <summary>The queue and what leaves it.</summary>
/// <param name="Requests">Requests that wait.</param>
/// <param name="Tokens">Tokens that wait.</param>
/// <param name="Capacity">Requests that may wait.</param>
/// <param name="Sequences">Sequences that are being generated.</param>
/// <param name="Batches">Batches since the start.</param>
/// <param name="BatchTokens">Tokens of these batches.</param>
/// <param name="DelayMicroseconds">How long a batch waits for company at this moment, at most.</param>
/// <param name="OverloadLevel">0: none; each further step takes experts from the budget's ceiling.</param>
/// <param name="ExpertsCeiling">The ceiling of that step; null: none.</param>
public sealed record QueueStats(
    int Requests, long Tokens, int Capacity, int Sequences, long Batches, long BatchTokens, double DelayMicroseconds, int OverloadLevel, double? ExpertsCeiling);

/// <summary>Mean experts per token: wanted and reached.</summary>
/// <param name="Target">The configured budget.</param>
/// <param name="Effective">What floor, ceilings and proposals make of it.</param>
/// <param name="Realised">Mean of recent tokens; NaN before the first.</param>
/// <param name="DecidedBy">Name of the input that won.</param>
/// <param name="Attainable">Whether some threshold reaches it.</param>
/// <param name="Health">What the controllers say.</param>
public sealed record BudgetStats(double Target, double Effective, double Realised, string DecidedBy, bool Attainable, string Health);

/// <summary>A layer with experts.</summary>
/// <param name="Index">Place among those with experts.</param>
/// <param name="ExpertShares">Share of routes per expert since the model is served; sums to 1, or all 0 before the first batch.</param>
/// <param name="Routes">Routes since the model is served: a share times this is a count, and two snapshots give what was between them.</param>
/// <param name="DistinctExperts">Mean distinct experts per batch (of a sequence's part of one, where sequences are generated); NaN before the first.</param>
/// <param name="MeanExpertsPerToken">Mean experts per token; NaN before the first batch.</param>
/// <param name="Tokens">Tokens routed.</param>
public sealed record LayerStats(
    int Index, IReadOnlyList<double> ExpertShares, long Routes, double DistinctExperts, double MeanExpertsPerToken, long Tokens);

/// <summary>Percentiles over the last minute, milliseconds; NaN without a request.</summary>
/// <param name="Count">Requests.</param>
/// <param name="P50">Median.</param>
/// <param name="P95">95th percentile.</param>
/// <param name="P99">99th percentile.</param>
public sealed record LatencyStats(long Count, double P50, double P95, double P99);

/// <summary>The shadow guardrail.</summary>
/// <param name="Samples">Tokens that were run again.</param>
/// <param name="Drift">Mean relative error of the last window; NaN before the first sample.</param>
/// <param name="Divergence">Mean KL divergence of the last window, nats; NaN where no logits exist.</param>
/// <param name="Floor">Floor that it put under the budget; null: none.</param>
public sealed record GuardrailStats(long Samples, double Drift, double Divergence, double? Floor);
