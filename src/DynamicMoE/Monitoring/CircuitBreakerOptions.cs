namespace DynamicMoE;

/// <summary>Options of the circuit breaker of a <see cref="MonitoredRouter"/>. Checked when the router is built.</summary>
public sealed class CircuitBreakerOptions
{
    /// <summary>Share of failed calls within <see cref="SamplingDuration"/> that opens the breaker.</summary>
    /// <value>Above 0, at most 1. The default is 0.5.</value>
    public double FailureRatio { get; set; } = 0.5;

    /// <summary>Calls within <see cref="SamplingDuration"/> below which it stays closed.</summary>
    /// <value>Between 2 and 1000000. The default is 10.</value>
    public int MinimumCalls { get; set; } = 10;

    /// <summary>Length of the window that the share is taken over.</summary>
    /// <value>Between 500 milliseconds and 1 day. The default is 30 seconds.</value>
    public TimeSpan SamplingDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long it stays open before one batch tries the router again.</summary>
    /// <value>Between 500 milliseconds and 1 day. The default is 5 seconds.</value>
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What happens to batches meanwhile.</summary>
    /// <value>The default is null: <see cref="BreakerFallback.StaticTopK"/> where there is a <see cref="DynamicRouter"/> inside all wrappers, else
    /// <see cref="BreakerFallback.FailFast"/>.</value>
    public BreakerFallback? Fallback { get; set; }

    /// <summary>Tells which exceptions count as failures of the router. Called on the thread of the call; must not throw.</summary>
    /// <value>The default is null: all but the caller's own mistakes (<see cref="RoutingValidationException"/>, <see cref="RouterConfigurationException"/>,
    /// <see cref="ArgumentException"/>, <see cref="ObjectDisposedException"/>, <see cref="NotSupportedException"/>, <see cref="OperationCanceledException"/>),
    /// <see cref="LoadBalancingException"/> (a mask or a cap leaves too few experts, whoever routes) and <see cref="ExpertDispatchException"/> (the
    /// router is not to blame).</value>
    public Func<Exception, bool>? CountsAsFailure { get; set; }

    internal OptionRules Rules(OptionRules rules) => rules
        .Require(FailureRatio is > 0 and <= 1, $"CircuitBreaker.FailureRatio ({FailureRatio}) must be above 0 and at most 1.")
        .Range("CircuitBreaker.MinimumCalls", MinimumCalls, 2, 1_000_000)
        .Require(InRange(SamplingDuration), $"CircuitBreaker.SamplingDuration ({SamplingDuration}) is outside 00:00:00.5..1.00:00:00.")
        .Require(InRange(BreakDuration), $"CircuitBreaker.BreakDuration ({BreakDuration}) is outside 00:00:00.5..1.00:00:00.")
        .Require(Fallback is null || Enum.IsDefined(Fallback.Value), $"CircuitBreaker.Fallback ({Fallback}) is not one of StaticTopK, LastGood, FailFast.");

    internal CircuitBreakerOptions Copy() => (CircuitBreakerOptions)MemberwiseClone();

    private static bool InRange(TimeSpan value) => value >= TimeSpan.FromMilliseconds(500) && value <= TimeSpan.FromDays(1);
}
