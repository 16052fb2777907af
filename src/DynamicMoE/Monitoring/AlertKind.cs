using System.Text.Json.Serialization;

namespace DynamicMoE;

/// <summary>What an alert is about. Its JSON name is the threshold's name in config.yaml.</summary>
public enum AlertKind
{
    /// <summary>Mean time of a call, milliseconds.</summary>
    [JsonStringEnumMemberName("avg_latency_ms")]
    AvgLatencyMs,

    /// <summary>Share of calls that failed.</summary>
    [JsonStringEnumMemberName("error_rate")]
    ErrorRate,

    /// <summary>Variance of the experts' shares of routes.</summary>
    [JsonStringEnumMemberName("load_balance_variance")]
    LoadBalanceVariance,

    /// <summary>Memory of the process, MiB.</summary>
    [JsonStringEnumMemberName("memory_usage_mb")]
    MemoryUsageMb,

    /// <summary>The circuit breaker is not closed: 1 while it is half-open, 2 while it is open.</summary>
    [JsonStringEnumMemberName("circuit_breaker")]
    CircuitBreaker,
}
