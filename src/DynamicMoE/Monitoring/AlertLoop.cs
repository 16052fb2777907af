
namespace DynamicMoE;

/// <summary>Compares a router's figures with its thresholds from time to time, publishes gauges, and hands alerts to log, callback and webhook.</summary>
internal sealed class AlertLoop : IAsyncDisposable, IDisposable
{
    private readonly MonitoringOptions _options;
    private readonly Func<CallFigures> _figures;
    private readonly Func<MemoryReading> _memory;
    private readonly Func<CircuitBreakerState> _state;
    private readonly KeyValuePair<string, object?> _router;
    private readonly ITimer _timer;
    private readonly string _tag;
    private readonly Lock _gate = new();
    private AlertWebhook? _webhook;
    private Task _retired = Task.CompletedTask;
    private volatile bool _disposed;

    internal AlertLoop(MonitoringOptions options, string tag, Func<CallFigures> figures, Func<MemoryReading> memory, Func<CircuitBreakerState> state)
    {
        _options = options;
        _figures = figures;
        _memory = memory;
        _state = state;
        _tag = tag;
        _router = MonitoringInstruments.Router(tag);
        Watch = new AlertWatch(options, tag, Notify);
        _webhook = options.Webhook is null ? null : new AlertWebhook(options, tag, Counts);

        // Weak, so that a router that nobody holds any more goes although nobody disposed it. Armed anew after each check: two never overlap.
        using (ExecutionContext.SuppressFlow())
        {
            _timer = options.TimeProvider.CreateTimer(
                static state =>
                {
                    if (((WeakReference<AlertLoop>)state!).TryGetTarget(out AlertLoop? loop))
                    {
                        loop.Tick();
                    }
                },
                new WeakReference<AlertLoop>(this),
                Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan);
        }

        _timer.Change(options.CheckInterval, Timeout.InfiniteTimeSpan);
    }

    internal AlertWatch Watch { get; }

    /// <summary>What became of alerts that were sent.</summary>
    internal WebhookCounts Counts { get; } = new();

    /// <summary>Sends alerts elsewhere from now on; what waits goes where it was meant to go. Does nothing once disposed.</summary>
    /// <param name="options">Checked, nobody else's; null = nowhere.</param>
    internal void SetWebhook(WebhookOptions? options)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            AlertWebhook? before = _webhook;
            _options.Webhook = options;
            _webhook = options is null ? null : new AlertWebhook(_options, _tag, Counts);
            if (before is not null)
            {
                _retired = Task.WhenAll(_retired, before.DisposeAsync().AsTask());
            }
        }
    }

    /// <summary>Compares now.</summary>
    internal void Check()
    {
        CallFigures figures = _figures();
        MemoryReading memory = _memory();
        memory.Publish();
        if (_state() is not CircuitBreakerState.Disabled and var state)
        {
            MonitoringInstruments.BreakerState.Record(AlertWatch.Level(state), _router);
        }

        if (figures.Window.Routes > 0)
        {
            MonitoringInstruments.LoadBalanceVariance.Record(figures.Usage.UsageVariance, _router);
            MonitoringInstruments.LoadImbalance.Record(
                figures.Usage.AvgUsagePerExpert[figures.Usage.MostUsedExpert] * figures.Usage.AvgUsagePerExpert.Count, _router);
        }

        Watch.Check(figures, memory);
    }

    public void Dispose()
    {
        _timer.Dispose();
        Close()?.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        AlertWebhook? webhook = Close();
        await _timer.DisposeAsync().ConfigureAwait(false);
        if (webhook is not null)
        {
            await webhook.DisposeAsync().ConfigureAwait(false);
        }

        await _retired.ConfigureAwait(false);
    }

    private AlertWebhook? Close()
    {
        lock (_gate)
        {
            _disposed = true;
            return _webhook;
        }
    }

    private void Tick()
    {
        try
        {
            Check();
        }
        catch (Exception error)
        {
            // A logger or metrics listener of the host that throws must not end the process from a timer's thread.
            LogFailure(error);
        }

        if (!_disposed)
        {
            _timer.Change(_options.CheckInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Notify(MonitoringAlert alert)
    {
        if (_disposed)
        {
            return;
        }

        lock (_gate)
        {
            _webhook?.Add(alert);
        }

        if (_options.OnAlert is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static call =>
                {
                    try
                    {
                        call.Loop._options.OnAlert!(call.Alert);
                    }
                    catch (Exception error)
                    {
                        call.Loop.LogFailure(error);
                    }
                },
                (Loop: this, Alert: alert),
                preferLocal: false);
        }

        // The breaker logs its moves itself.
        if (_options.Logger is { } logger && alert.Alert != AlertKind.CircuitBreaker)
        {
            string name = AlertJson.Name(alert.Alert);
            if (alert.State == AlertState.Resolved)
            {
                Log.AlertResolved(logger, alert.Router, name, alert.Value, alert.Limit);
            }
            else
            {
                Log.AlertRaised(logger, alert.Router, name, alert.Value, alert.Limit);
            }
        }
    }

    private void LogFailure(Exception error)
    {
        try
        {
            if (_options.Logger is { } logger)
            {
                Log.AlertingFailed(logger, error, _options.Name);
            }
        }
        catch (Exception)
        {
            // The logger itself fails; there is nobody left to tell.
        }
    }
}
