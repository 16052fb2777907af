namespace DynamicMoE;

/// <content>What a <see cref="MonitoredRouter"/> publishes. Label <c>router</c> is its name; of those the first 32 of a process have series of their own.</content>
public static partial class MoEMetrics
{
    /// <summary>Histogram, seconds, labels <c>router</c> and, of a batch that failed, <c>error.type</c>: time of a batch of a layer, routing and experts.</summary>
    public const string ForwardDuration = "dynamicmoe.forward.duration";

    /// <summary>Histogram, seconds, labels as <see cref="ForwardDuration"/>: time of a batch of a router. Batches that a layer routes and runs in one native
    /// call are in <see cref="ForwardDuration"/> alone.</summary>
    public const string RouteDuration = "dynamicmoe.route.duration";

    /// <summary>Counter, <c>{token}</c>, label <c>router</c>: tokens routed.</summary>
    public const string Tokens = "dynamicmoe.tokens";

    /// <summary>Counter, <c>{route}</c>, label <c>router</c>: sum of experts over tokens.</summary>
    public const string Routes = "dynamicmoe.routes";

    /// <summary>Histogram, <c>{expert}</c>, label <c>router</c>: experts of each token.</summary>
    public const string TokenExperts = "dynamicmoe.token.experts";

    /// <summary>Histogram, <c>{expert}</c>, label <c>router</c>: distinct experts of each batch.</summary>
    public const string ActiveExperts = "dynamicmoe.batch.active_experts";

    /// <summary>Gauge, unit 1, label <c>router</c>: variance of the experts' shares of routes over the window.</summary>
    public const string LoadBalanceVariance = "dynamicmoe.expert.load.variance";

    /// <summary>Gauge, unit 1, label <c>router</c>: routes of the most used expert over the mean, over the window.</summary>
    public const string LoadImbalance = "dynamicmoe.expert.load.imbalance";

    /// <summary>Gauge, bytes, label <c>kind</c> (process, managed, native): memory held.</summary>
    public const string Memory = "dynamicmoe.memory";

    /// <summary>Gauge, unit 1, label <c>router</c>: 0 = closed, 1 = half-open, 2 = open.</summary>
    public const string BreakerState = "dynamicmoe.breaker.state";

    /// <summary>Counter, <c>{move}</c>, labels <c>router</c> and <c>state</c> (closed, half_open, open): moves of the circuit breaker.</summary>
    public const string BreakerMoves = "dynamicmoe.breaker.moves";

    /// <summary>Counter, <c>{call}</c>, labels <c>router</c> and <c>fallback</c> (static_top_k, last_good, fail_fast): batches while the breaker was not closed.</summary>
    public const string Fallbacks = "dynamicmoe.breaker.fallbacks";

    /// <summary>Counter, <c>{alert}</c>, labels <c>router</c>, <c>alert</c> (the threshold's name) and <c>state</c> (raised, resolved).</summary>
    public const string Alerts = "dynamicmoe.alerts";

    /// <summary>Counter, <c>{alert}</c>, labels <c>router</c> and <c>result</c> (delivered, failed, dropped): what became of alerts on their way to the webhook.</summary>
    public const string WebhookAlerts = "dynamicmoe.webhook.alerts";
}
