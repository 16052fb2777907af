namespace DynamicMoE;

/// <summary>What a <see cref="MonitoredRouter"/> tells.</summary>
/// <param name="Performance">Figures of its calls.</param>
/// <param name="Health">Its health.</param>
/// <param name="CircuitBreakerState">State of its circuit breaker.</param>
public sealed record MonitoringSummary(MonitoringPerformance Performance, MonitoringHealth Health, CircuitBreakerState CircuitBreakerState);
