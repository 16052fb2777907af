using System.Diagnostics;
using System.Diagnostics.Metrics;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

[Collection(TelemetryListeners.Name)]
public sealed class MonitoringTelemetryTests : IDisposable
{
    private const int Experts = 8;
    private const int Tokens = 4;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Tokens * Experts);
    private readonly ManualClock _clock = new();
    private readonly SwitchEstimator _estimator = new();
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
    private readonly DynamicRouter _router;

    public MonitoringTelemetryTests() => _router = new DynamicRouter(
        _gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, ComplexityEstimator = _estimator });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Metrics_WhenBatchesAreRoutedAndFail_TellThem()
    {
        using var metrics = new Measurements("telemetry-router");
        using MonitoredRouter monitored = Monitor("telemetry-router");
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        monitored.Route(Hidden, Tokens, buffers);
        monitored.Route(Hidden, Tokens, buffers);
        _clock.Advance(TimeSpan.FromSeconds(5));
        _estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; monitored.CircuitBreakerState == CircuitBreakerState.Closed && call < 20; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => monitored.Route(Hidden, Tokens, buffers));
        }

        monitored.Route(Hidden, Tokens, buffers);

        Assert.Equal(2 + 8 + 1, metrics.Of(MoEMetrics.RouteDuration).Count());
        Assert.Equal(8, metrics.Of(MoEMetrics.RouteDuration, "error.type", nameof(ComplexityEstimationException)).Count());
        Assert.Equal(3 * Tokens, metrics.Of(MoEMetrics.Tokens).Sum());
        Assert.Equal(3 * Tokens * 2, metrics.Of(MoEMetrics.Routes).Sum());
        Assert.Equal(3 * Tokens, metrics.Of(MoEMetrics.TokenExperts).Count());
        Assert.All(metrics.Of(MoEMetrics.TokenExperts), experts => Assert.Equal(2, experts));
        Assert.Equal(3, metrics.Of(MoEMetrics.ActiveExperts).Count());
        Assert.Equal(_router.GetExpertUsageStats().UsageVariance, metrics.Of(MoEMetrics.LoadBalanceVariance).Single(), 12);
        Assert.True(metrics.Of(MoEMetrics.LoadImbalance).Single() >= 1);
        Assert.Equal(1, metrics.Of(MoEMetrics.BreakerMoves, "state", "open").Sum());
        Assert.Equal(2, metrics.Of(MoEMetrics.BreakerState).Last());
        Assert.Equal(1, metrics.Of(MoEMetrics.Fallbacks, "fallback", "static_top_k").Sum());
        Assert.Equal(1, metrics.Of(MoEMetrics.Alerts, "alert", "circuit_breaker").Sum());
    }

    [Fact]
    public void Metrics_WhenALayerTakesOneCall_TellsTimeAndTokensOnce()
    {
        using var metrics = new Measurements("telemetry-layer");
        using MonitoredRouter monitored = Monitor("telemetry-layer");
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 16 });
        using var layer = new MoELayer(monitored, experts.Bank);
        layer.Forward(Hidden, Tokens, new float[Hidden.Length]);

        Assert.Single(metrics.Of(MoEMetrics.ForwardDuration));
        Assert.Empty(metrics.Of(MoEMetrics.RouteDuration));
        Assert.Equal(Tokens, metrics.Of(MoEMetrics.Tokens).Sum());
    }

    [Fact]
    public void Traces_WhenSampled_HaveASpanPerBatchAndNoneElse()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == MoETraces.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using MonitoredRouter monitored = Monitor("traced");
        using MonitoredRouter silent = Monitor("silent", traces: false);
        using var layer = new MoELayer(monitored, _ => FunctionExpert.Times(1), Experts);
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        layer.Forward(Hidden, Tokens, new float[Hidden.Length]);
        silent.Route(Hidden, Tokens, buffers);
        _estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; monitored.CircuitBreakerState == CircuitBreakerState.Closed && call < 20; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => monitored.Route(Hidden, Tokens, buffers));
        }

        Activity[] mine;
        lock (spans)
        {
            mine = [.. spans.Where(span => span.GetTagItem("dynamicmoe.router") is "traced")];
            Assert.DoesNotContain(spans, span => span.GetTagItem("dynamicmoe.router") is "silent");
        }

        Assert.Equal([MoETraces.Route, MoETraces.Forward], mine[..2].Select(span => span.OperationName));
        Assert.Equal(mine[1].SpanId, mine[0].ParentSpanId);
        Assert.Equal((long)Tokens, mine[1].GetTagItem("dynamicmoe.tokens"));
        Assert.Equal(2L * Tokens, mine[1].GetTagItem("dynamicmoe.routes"));
        Assert.Equal(ActivityStatusCode.Error, mine[^1].Status);
        Assert.Equal(nameof(ComplexityEstimationException), mine[^1].GetTagItem("error.type"));
        ActivityEvent moved = Assert.Single(mine[^1].Events);
        Assert.Equal(MoETraces.BreakerMoved, moved.Name);
    }

    private MonitoredRouter Monitor(string name, bool traces = true) =>
        _router.WithMonitoring(true, new MonitoringOptions { Name = name, TimeProvider = _clock, Traces = traces });

    /// <summary>What the instruments of one router told.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly List<(string Instrument, double Value, Dictionary<string, object?> Tags)> _all = [];
        private readonly MeterListener _listener;

        public Measurements(string router)
        {
            _listener = new MeterListener
            {
                InstrumentPublished = static (instrument, listener) =>
                {
                    if (instrument.Meter.Name == MoEMetrics.MeterName)
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();

            void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
            {
                var copy = tags.ToArray().ToDictionary();
                if (copy.GetValueOrDefault("router") is string name && name == router)
                {
                    lock (_all)
                    {
                        _all.Add((instrument.Name, value, copy));
                    }
                }
            }
        }

        public IEnumerable<double> Of(string instrument, string? tag = null, string? value = null)
        {
            lock (_all)
            {
                return [.. _all
                    .Where(m => m.Instrument == instrument && (tag is null || m.Tags.GetValueOrDefault(tag) as string == value))
                    .Select(m => m.Value)];
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
