namespace DynamicMoE;

/// <summary>
/// Compares figures with thresholds and says once when a value goes above one and once when it has come back. A threshold that was passed a moment ago is not
/// passed again before the value was at or below ResolveBelow of it. Safe for many threads.
/// </summary>
/// <param name="options">Valid options.</param>
/// <param name="tag">The router's name as a label.</param>
/// <param name="notify">Gets each alert.</param>
internal sealed class AlertWatch(MonitoringOptions options, string tag, Action<MonitoringAlert> notify)
{
    private readonly DateTimeOffset?[] _since = new DateTimeOffset?[Enum.GetValues<AlertKind>().Length];
    private readonly double[] _passed = new double[Enum.GetValues<AlertKind>().Length];
    private readonly Lock _gate = new();
    private long _raised;

    /// <summary>Alerts raised so far.</summary>
    internal long Raised => Volatile.Read(ref _raised);

    /// <summary>Compares what is taken over the window.</summary>
    internal void Check(CallFigures figures, MemoryReading memory)
    {
        foreach (AlertKind kind in Enum.GetValues<AlertKind>())
        {
            if (kind == AlertKind.CircuitBreaker)
            {
                continue;
            }

            double value = Value(kind, figures, memory);
            if (Limit(kind) is not { } limit)
            {
                // The threshold was taken away: so is what it raised.
                Set(kind, false, value, null);
                continue;
            }

            // Few calls say nothing either way; none at all say that there is nothing left to warn of.
            bool judged = kind == AlertKind.MemoryUsageMb || figures.Judged >= options.MinCalls || figures.Judged == 0;
            if (judged && (value > limit || value <= limit * options.ResolveBelow))
            {
                Set(kind, value > limit, value, limit);
            }
        }
    }

    /// <summary>The breaker moved.</summary>
    internal void Check(CircuitBreakerState state)
    {
        // Half-open is neither: the alert stays as it is until the trial is over.
        if (state != CircuitBreakerState.HalfOpen)
        {
            Set(AlertKind.CircuitBreaker, state == CircuitBreakerState.Open, Level(state), 0);
        }
    }

    /// <summary>Every value beside its threshold.</summary>
    internal MonitoringCheck[] Checks(CallFigures figures, MemoryReading memory, CircuitBreakerState state)
    {
        lock (_gate)
        {
            return [.. Enum.GetValues<AlertKind>().Select(kind => new MonitoringCheck(
                kind,
                kind == AlertKind.CircuitBreaker ? Level(state) : Value(kind, figures, memory),
                kind == AlertKind.CircuitBreaker ? (state == CircuitBreakerState.Disabled ? null : 0) : Limit(kind),
                _since[(int)kind] is null,
                _since[(int)kind]))];
        }
    }

    /// <summary>0 = closed, 1 = half-open, 2 = open.</summary>
    internal static int Level(CircuitBreakerState state) => state switch
    {
        CircuitBreakerState.Open => 2,
        CircuitBreakerState.HalfOpen => 1,
        _ => 0,
    };

    private double? Limit(AlertKind kind) => kind switch
    {
        AlertKind.AvgLatencyMs => options.AlertThresholds.AvgLatencyMs,
        AlertKind.ErrorRate => options.AlertThresholds.ErrorRate,
        AlertKind.LoadBalanceVariance => options.AlertThresholds.LoadBalanceVariance,
        _ => options.AlertThresholds.MemoryUsageMb,
    };

    private static double Value(AlertKind kind, CallFigures figures, MemoryReading memory) => kind switch
    {
        AlertKind.AvgLatencyMs => figures.MeanSeconds * 1e3,
        AlertKind.ErrorRate => figures.ErrorRate,
        AlertKind.LoadBalanceVariance => figures.Usage.UsageVariance,
        _ => MemoryReading.Mib(memory.Process),
    };

    // limit: null for the one that was passed.
    private void Set(AlertKind kind, bool raised, double value, double? limit)
    {
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        lock (_gate)
        {
            if (raised == _since[(int)kind] is not null)
            {
                return;
            }

            _since[(int)kind] = raised ? now : null;
            _raised += raised ? 1 : 0;
            _passed[(int)kind] = limit ?? _passed[(int)kind];
        }

        AlertState state = raised ? AlertState.Raised : AlertState.Resolved;
        MonitoringInstruments.Alerts.Add(
            1,
            MonitoringInstruments.Router(tag),
            new KeyValuePair<string, object?>("alert", AlertJson.Name(kind)),
            new KeyValuePair<string, object?>("state", raised ? "raised" : "resolved"));
        notify(new MonitoringAlert(Guid.NewGuid().ToString("N"), options.Name, kind, state, value, _passed[(int)kind], now));
    }
}
