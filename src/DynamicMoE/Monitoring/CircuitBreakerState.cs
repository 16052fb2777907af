namespace DynamicMoE;

/// <summary>State of a <see cref="MonitoredRouter"/>'s circuit breaker.</summary>
public enum CircuitBreakerState
{
    /// <summary>There is no breaker.</summary>
    Disabled,

    /// <summary>Batches go to the router.</summary>
    Closed,

    /// <summary>Batches go to the fallback.</summary>
    Open,

    /// <summary>One batch tries the router; the others go to the fallback.</summary>
    HalfOpen,
}
