using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace DynamicMoE;

/// <summary>Takes down the batches of one kind, of a router or of a layer: window, metrics and spans. Allocates nothing unless a span is sampled.</summary>
internal sealed class CallRecorder : IForwardWatch
{
    private readonly string _span;
    private readonly Histogram<double> _duration;
    private readonly bool _counts;
    private readonly string _tag;
    private readonly KeyValuePair<string, object?> _router;
    private readonly bool _traces;
    private readonly TimeProvider _time;
    private readonly Func<Exception, bool>? _countsAsFailure;
    private Exception? _lastError;

    private CallRecorder(string span, Histogram<double> duration, bool counts, MonitoringOptions options, string tag, int experts)
    {
        _span = span;
        _duration = duration;
        _counts = counts;
        _tag = tag;
        _router = MonitoringInstruments.Router(tag);
        _traces = options.Traces;
        _time = options.TimeProvider;
        _countsAsFailure = options.CircuitBreaker.CountsAsFailure;
        Window = new CallWindow(options.Window, options.TimeProvider, experts);
    }

    internal CallWindow Window { get; }

    /// <summary>The last failure that was the service's.</summary>
    internal Exception? LastError => Volatile.Read(ref _lastError);

    /// <summary>Of batches that are routed through the router.</summary>
    internal static CallRecorder OfRouter(MonitoringOptions options, string tag, int experts) =>
        new(MoETraces.Route, MonitoringInstruments.RouteDuration, counts: true, options, tag, experts);

    /// <summary>Of batches of layers. Their tokens are counted where they are routed.</summary>
    internal static CallRecorder OfLayers(MonitoringOptions options, string tag, int experts) =>
        new(MoETraces.Forward, MonitoringInstruments.ForwardDuration, counts: false, options, tag, experts);

    public ForwardScope Begin()
    {
        Activity? activity = _traces && MoETraces.Source.HasListeners() ? MoETraces.Source.StartActivity(_span) : null;
        return new ForwardScope(_time.GetTimestamp(), activity);
    }

    public void End(in ForwardScope scope, in RoutingReport report, RoutingBuffers routing)
    {
        double seconds = Window.Served(scope.Start, in report, routing.ExpertRoutes);
        if (_duration.Enabled)
        {
            _duration.Record(seconds, _router);
        }

        if (_counts)
        {
            Count(in report, routing);
        }

        if (scope.Activity is { } activity)
        {
            if (activity.IsAllDataRequested)
            {
                activity.SetTag("dynamicmoe.router", _tag)
                    .SetTag("dynamicmoe.tokens", report.Tokens)
                    .SetTag("dynamicmoe.routes", report.Routes)
                    .SetTag("dynamicmoe.distinct_experts", report.DistinctExperts);
            }

            activity.Dispose();
        }
    }

    public void Fail(in ForwardScope scope, Exception error)
    {
        CallFault fault = CallFaults.Of(error, _countsAsFailure);
        if (fault != CallFault.Caller)
        {
            Volatile.Write(ref _lastError, error);
        }

        double seconds = Window.Failed(scope.Start, fault);
        string type = error.GetType().Name;
        if (_duration.Enabled)
        {
            _duration.Record(seconds, _router, new KeyValuePair<string, object?>("error.type", type));
        }

        if (scope.Activity is { } activity)
        {
            activity.SetTag("dynamicmoe.router", _tag).SetTag("error.type", type).SetStatus(ActivityStatusCode.Error, error.Message).Dispose();
        }
    }

    /// <summary>Counts tokens and routes of a batch.</summary>
    internal void Count(in RoutingReport report, RoutingBuffers routing)
    {
        if (MonitoringInstruments.Tokens.Enabled)
        {
            MonitoringInstruments.Tokens.Add(report.Tokens, _router);
        }

        if (MonitoringInstruments.Routes.Enabled)
        {
            MonitoringInstruments.Routes.Add(report.Routes, _router);
        }

        if (MonitoringInstruments.ActiveExperts.Enabled)
        {
            MonitoringInstruments.ActiveExperts.Record(report.DistinctExperts, _router);
        }

        if (MonitoringInstruments.TokenExperts.Enabled)
        {
            foreach (int experts in routing.ExpertsPerToken.AsSpan(0, (int)report.Tokens))
            {
                MonitoringInstruments.TokenExperts.Record(experts, _router);
            }
        }
    }
}
