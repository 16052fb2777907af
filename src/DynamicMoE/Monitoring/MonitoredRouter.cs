using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace DynamicMoE;

/// <summary>
/// A router that is watched: latency, errors, load balance and memory over a sliding window, alerts above thresholds, metrics, traces, and a circuit breaker
/// that stops asking a router which keeps failing. Make one with <see cref="RouterExtensions.WithMonitoring"/>. Many threads may call it at once.
/// </summary>
/// <remarks>
/// <para>A layer over this router, or over wrappers around it, reports its batches too: routing and experts, as <see cref="MoEMetrics.ForwardDuration"/>. With
/// native experts and a <see cref="DynamicRouter"/> inside it still takes one native call per batch.</para>
/// <para>An error of an expert counts as an error of the call; the breaker is about the router alone.</para>
/// </remarks>
public sealed class MonitoredRouter : RouterWrapper, IBreakerListener, IAsyncDisposable, IDisposable
{
    private readonly MonitoringOptions _options;
    private readonly string _tag;
    private readonly CallRecorder _routes;
    private readonly CallRecorder _forwards;
    private readonly CircuitBreaker? _breaker;
    private readonly BreakerRoutes? _fallback;
    private readonly AlertLoop _alerts;
    private readonly Func<MemoryReading> _memory;

    /// <summary>Watches a router.</summary>
    /// <param name="inner">The router; not owned.</param>
    /// <param name="enableCircuitBreaker">Whether a router that keeps failing is left alone for a while.</param>
    /// <param name="monitor">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="inner"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public MonitoredRouter(IRouter inner, bool enableCircuitBreaker = true, MonitoringOptions? monitor = null)
        : this(inner, enableCircuitBreaker, monitor, MemoryReading.Now)
    {
    }

    internal MonitoredRouter(IRouter inner, bool enableCircuitBreaker, MonitoringOptions? monitor, Func<MemoryReading> memory)
        : base(inner)
    {
        DynamicRouter? dynamic = RouterChain.Dynamic(inner);
        _options = (monitor ?? new MonitoringOptions()).Validated(dynamic);
        _memory = memory;
        _tag = Instruments.TagOf(Instruments.RouterTag, _options.Name);
        _routes = CallRecorder.OfRouter(_options, _tag, inner.NumExperts);
        _forwards = CallRecorder.OfLayers(_options, _tag, inner.NumExperts);
        if (enableCircuitBreaker)
        {
            _breaker = new CircuitBreaker(_options.CircuitBreaker, _options.TimeProvider, this);
            _fallback = new BreakerRoutes(_options.CircuitBreaker.Fallback!.Value, inner, dynamic, _tag);
        }

        _alerts = new AlertLoop(_options, _tag, () => Judged.Window.Read(), memory, () => CircuitBreakerState);
    }

    /// <summary>Name in metrics, traces, logs and alerts.</summary>
    public string Name => _options.Name;

    /// <summary>State of the circuit breaker.</summary>
    public CircuitBreakerState CircuitBreakerState => _breaker?.State ?? CircuitBreakerState.Disabled;

    /// <inheritdoc/>
    internal override bool CanBePassed => true;

    /// <inheritdoc/>
    internal override bool MayPass => _breaker is null || _breaker.State == CircuitBreakerState.Closed;

    /// <inheritdoc/>
    internal override IForwardWatch ForwardWatch => _forwards;

    internal AlertLoop Alerts => _alerts;

    // Whoever has layers wants to know about them: routing is a small part of their time, and of what can fail.
    private CallRecorder Judged => _forwards.Window.IsUsed ? _forwards : _routes;

    /// <summary>Compares with other values from the next check on.</summary>
    /// <param name="thresholds">Copied.</param>
    /// <exception cref="ArgumentNullException"><paramref name="thresholds"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A threshold is outside its range; the message names all that are. Those before stay.</exception>
    public void SetAlertThresholds(AlertThresholds thresholds)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        thresholds.Rules(new OptionRules(nameof(AlertThresholds))).ThrowIfBroken();
        _options.AlertThresholds = thresholds.Copy();
    }

    /// <summary>Sends alerts elsewhere from now on. What waits for the webhook before goes there as long as its <see cref="WebhookOptions.DrainTimeout"/> allows.</summary>
    /// <param name="webhook">Copied; null = nowhere.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are. The webhook before stays.</exception>
    public void SetAlertWebhook(WebhookOptions? webhook)
    {
        webhook?.Rules(new OptionRules(nameof(MonitoringOptions))).ThrowIfBroken();
        _alerts.SetWebhook(webhook?.Copy());
    }

    /// <summary>Tells figures, health and the state of the breaker as of now.</summary>
    /// <returns>A snapshot; each of its three parts is consistent in itself.</returns>
    public MonitoringSummary GetMonitoringSummary()
    {
        CallRecorder judged = Judged;
        CallFigures figures = judged.Window.Read();
        MemoryReading memory = _memory();
        CircuitBreakerState state = CircuitBreakerState;
        MonitoredCalls calls = ReferenceEquals(judged, _forwards) ? MonitoredCalls.Forward : MonitoredCalls.Route;
        return new MonitoringSummary(
            MonitoringPerformance.Of(calls, figures, _fallback?.Count ?? 0, memory), Health(judged, figures, memory, state), state);
    }

    /// <summary>Stops checks and alerts; alerts that wait for the webhook are dropped. Batches are routed and counted as before. A second call does nothing.</summary>
    public void Dispose() => _alerts.Dispose();

    /// <summary>Stops checks and alerts; alerts that wait for the webhook are sent as long as <see cref="WebhookOptions.DrainTimeout"/> allows.</summary>
    /// <returns>Completes once nothing runs any more.</returns>
    public ValueTask DisposeAsync() => _alerts.DisposeAsync();

    /// <inheritdoc/>
    internal override void Passed(in RoutingReport report, RoutingBuffers routing)
    {
        _routes.Count(in report, routing);
        WentWell((int)report.Tokens, routing);
    }

    /// <inheritdoc/>
    internal override void PassFailed(Exception error) => Blame(error);

    void IBreakerListener.Moved(CircuitBreakerState state, Exception? lastFailure)
    {
        string name = state switch
        {
            CircuitBreakerState.Open => "open",
            CircuitBreakerState.HalfOpen => "half_open",
            _ => "closed",
        };
        MonitoringInstruments.BreakerMoves.Add(1, MonitoringInstruments.Router(_tag), new KeyValuePair<string, object?>("state", name));
        MonitoringInstruments.BreakerState.Record(AlertWatch.Level(state), MonitoringInstruments.Router(_tag));
        Activity.Current?.AddEvent(new ActivityEvent(
            MoETraces.BreakerMoved, default, new ActivityTagsCollection { ["dynamicmoe.router"] = _tag, ["dynamicmoe.breaker.state"] = name }));
        _alerts.Watch.Check(state);
        if (_options.Logger is { } logger)
        {
            switch (state)
            {
                case CircuitBreakerState.Open:
                    Log.BreakerOpened(logger, lastFailure, Name, _fallback!.Kind);
                    break;
                case CircuitBreakerState.HalfOpen:
                    Log.BreakerHalfOpened(logger, Name);
                    break;
                default:
                    Log.BreakerClosed(logger, Name);
                    break;
            }
        }
    }

    private protected override RoutingReport RouteRows(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        ForwardScope scope = _routes.Begin();
        RoutingReport report;
        try
        {
            report = MayPass ? RouteClosed(hidden, tokens, buffers, context, capacity) : RouteOpen(hidden, tokens, buffers, context, capacity);
        }
        catch (Exception error)
        {
            _routes.Fail(in scope, error);
            throw;
        }

        _routes.End(in scope, in report, buffers);
        return report;
    }

    private protected override void Refused(RoutingValidationException error)
    {
        ForwardScope scope = _routes.Begin();
        _routes.Fail(in scope, error);
        base.Refused(error);
    }

    private RoutingReport RouteClosed(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        RoutingReport report;
        try
        {
            report = RouteInner(hidden, tokens, buffers, context, capacity);
        }
        catch (Exception error)
        {
            Blame(error);
            throw;
        }

        WentWell(tokens, buffers);
        return report;
    }

    private RoutingReport RouteOpen(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        // A batch that the router would refuse must neither be its trial nor get routes.
        ArgumentNullException.ThrowIfNull(buffers);
        capacity?.RequireValid();
        Shapes.RequireRows(hidden.Length, tokens, InputDim, nameof(hidden));
        buffers.RequireFit(this, tokens);
        Shapes.RequireFinite(hidden, InputDim, nameof(hidden));
        return _breaker!.MayTry && TryRouter(hidden.ToArray(), tokens, buffers, context, capacity, out RoutingReport report)
            ? report
            : _fallback!.Route(hidden, tokens, buffers, context, capacity, _breaker);
    }

    // Spans cannot go into the breaker's callback, and trials are rare: the batch was copied.
    private bool TryRouter(
        float[] hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity, out RoutingReport report)
    {
        Exception? failure = null;
        RoutingReport routed = default;
        bool ran = _breaker!.TryTrial(() =>
        {
            try
            {
                routed = RouteInner(hidden, tokens, buffers, context, capacity);
                return true;
            }
            catch (Exception error)
            {
                failure = error;
                CallFault fault = Fault(error);
                if (fault == CallFault.Router)
                {
                    _breaker.Note(error);
                }

                return fault == CallFault.Service;
            }
        });
        report = routed;
        if (!ran)
        {
            return false;
        }

        if (failure is null)
        {
            _fallback!.Remember(buffers, tokens);
            return true;
        }

        if (Fault(failure) != CallFault.Router)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return false;
    }

    private void WentWell(int tokens, RoutingBuffers routing)
    {
        _breaker?.Succeeded();
        _fallback?.Remember(routing, tokens);
    }

    private void Blame(Exception error)
    {
        if (_breaker is not null && Fault(error) == CallFault.Router)
        {
            _breaker.Failed(error);
        }
    }

    private CallFault Fault(Exception error) => CallFaults.Of(error, _options.CircuitBreaker.CountsAsFailure);

    private MonitoringHealth Health(CallRecorder judged, CallFigures figures, MemoryReading memory, CircuitBreakerState state)
    {
        MonitoringCheck[] checks = _alerts.Watch.Checks(figures, memory, state);
        bool broken = state is CircuitBreakerState.Open or CircuitBreakerState.HalfOpen;
        bool failing = figures.Judged >= _options.MinCalls && figures.ErrorRate > _options.AlertThresholds.ErrorRate;
        bool refused = broken && _fallback!.Kind == BreakerFallback.FailFast;
        MonitoringStatus status = failing || refused ? MonitoringStatus.Unhealthy
            : broken || Array.Exists(checks, check => !check.Passed) ? MonitoringStatus.Degraded
            : MonitoringStatus.Healthy;
        Exception? error = judged.LastError ?? _routes.LastError;
        return new MonitoringHealth(
            status,
            checks,
            _alerts.Watch.Raised,
            Volatile.Read(ref _alerts.Counts.Delivered),
            Volatile.Read(ref _alerts.Counts.Failed),
            Volatile.Read(ref _alerts.Counts.Dropped),
            error is null ? null : $"{error.GetType().Name}: {error.Message}");
    }
}
