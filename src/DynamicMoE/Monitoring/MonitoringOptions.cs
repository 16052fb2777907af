using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Options of <see cref="MonitoredRouter"/>. Checked when the router is built.</summary>
public sealed class MonitoringOptions
{
    /// <summary>Name in metrics, traces, logs and alerts. The first 32 names of a process have series of their own, later ones share one.</summary>
    /// <value>Not empty. The default is "default".</value>
    public string Name { get; set; } = "default";

    /// <summary>Length of the sliding window that figures are taken over. It moves on in twelfths.</summary>
    /// <value>Between 1 second and 1 hour. The default is 1 minute.</value>
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Time between two comparisons of the figures with <see cref="AlertThresholds"/>.</summary>
    /// <value>Between 100 milliseconds and 1 hour. The default is 5 seconds.</value>
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Calls within the window below which latency, error rate and variance raise no alert and take none back.</summary>
    /// <value>Between 1 and 1000000. The default is 20.</value>
    public int MinCalls { get; set; } = 20;

    /// <summary>An alert is taken back once its value is at or below this share of the threshold.</summary>
    /// <value>Above 0, at most 1. The default is 0.9.</value>
    public double ResolveBelow { get; set; } = 0.9;

    /// <summary>Values above which an alert is raised.</summary>
    /// <value>Not null.</value>
    public AlertThresholds AlertThresholds { get; set; } = new();

    /// <summary>When the breaker opens and what happens then.</summary>
    /// <value>Not null.</value>
    public CircuitBreakerOptions CircuitBreaker { get; set; } = new();

    /// <summary>Where alerts are sent.</summary>
    /// <value>The default is null: nowhere.</value>
    public WebhookOptions? Webhook { get; set; }

    /// <summary>Gets every alert, beside the webhook. Called on a thread of the pool; what it throws is logged.</summary>
    /// <value>The default is null: none.</value>
    public Action<MonitoringAlert>? OnAlert { get; set; }

    /// <summary>Whether batches get spans of <see cref="MoETraces.SourceName"/>. Without a listener that samples them there are none.</summary>
    /// <value>The default is true.</value>
    public bool Traces { get; set; } = true;

    /// <summary>Receives the router's messages.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    /// <summary>The clock. Durations are taken from its timestamps, so that a clock that is set does not move them; its time of day is only told.</summary>
    /// <value>The default is that of the system.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal MonitoringOptions Validated(DynamicRouter? dynamic)
    {
        OptionRules rules = new OptionRules(nameof(MonitoringOptions))
            .Require(!string.IsNullOrEmpty(Name), $"Name must not be empty.")
            .Require(Window >= TimeSpan.FromSeconds(1) && Window <= TimeSpan.FromHours(1), $"Window ({Window}) is outside 00:00:01..01:00:00.")
            .Require(CheckInterval >= TimeSpan.FromMilliseconds(100) && CheckInterval <= TimeSpan.FromHours(1), $"CheckInterval ({CheckInterval}) is outside 00:00:00.1..01:00:00.")
            .Range(nameof(MinCalls), MinCalls, 1, 1_000_000)
            .Require(ResolveBelow is > 0 and <= 1, $"ResolveBelow ({ResolveBelow}) must be above 0 and at most 1.")
            .Require(AlertThresholds is not null, $"AlertThresholds must not be null.")
            .Require(CircuitBreaker is not null, $"CircuitBreaker must not be null.")
            .Require(TimeProvider is not null, $"TimeProvider must not be null.")
            .Require(dynamic is not null || CircuitBreaker?.Fallback != BreakerFallback.StaticTopK, $"CircuitBreaker.Fallback (StaticTopK) needs a DynamicRouter inside all wrappers.");
        rules = AlertThresholds?.Rules(rules) ?? rules;
        rules = CircuitBreaker?.Rules(rules) ?? rules;
        rules = Webhook?.Rules(rules) ?? rules;
        rules.ThrowIfBroken();
        var copy = (MonitoringOptions)MemberwiseClone();
        copy.AlertThresholds = AlertThresholds!.Copy();
        copy.CircuitBreaker = CircuitBreaker!.Copy();
        copy.CircuitBreaker.Fallback ??= dynamic is null ? BreakerFallback.FailFast : BreakerFallback.StaticTopK;
        copy.Webhook = Webhook?.Copy();
        return copy;
    }
}
