using System.Diagnostics.Metrics;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

/// <summary>Watching allocates nothing on the thread of a call.</summary>
[Collection(TelemetryListeners.Name)]
public sealed class MonitoringAllocationTests
{
    private const int Dim = 32;
    private const int Tokens = 16;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Tokens * Dim);
    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(BreakerFallback.StaticTopK, 1)]
    [InlineData(BreakerFallback.StaticTopK, Tokens)]
    [InlineData(BreakerFallback.LastGood, Tokens)]
    public void Forward_WhenTheRouterIsMonitored_AllocatesNothing(BreakerFallback fallback, int tokens)
    {
        using DynamicRouter router = Router(ComplexityEstimators.GradientNorm);
        using MonitoredRouter monitored = Monitor(router, fallback);
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = Dim, Width = 24 });
        using var layer = new MoELayer(monitored, experts.Bank);
        var output = new float[Hidden.Length];

        NoAllocation.Assert(() => layer.Forward(Hidden.AsSpan(0, tokens * Dim), tokens, output.AsSpan(0, tokens * Dim)));
    }

    [Fact]
    public void Route_WhenMetricsHaveAListener_AllocatesNothing()
    {
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, l) =>
            {
                if (instrument.Meter.Name == MoEMetrics.MeterName)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>(static (_, _, _, _) => { });
        listener.SetMeasurementEventCallback<long>(static (_, _, _, _) => { });
        listener.SetMeasurementEventCallback<int>(static (_, _, _, _) => { });
        listener.Start();
        using DynamicRouter router = Router(ComplexityEstimators.RouterMargin);
        using MonitoredRouter monitored = Monitor(router, BreakerFallback.StaticTopK);
        var buffers = new RoutingBuffers(Tokens, 2, 8, false);

        NoAllocation.Assert(() => monitored.Route(Hidden, Tokens, buffers));
    }

    [Theory]
    [InlineData(BreakerFallback.StaticTopK)]
    [InlineData(BreakerFallback.LastGood)]
    public void Route_WhenTheBreakerIsOpen_AllocatesNothing(BreakerFallback fallback)
    {
        var estimator = new SwitchEstimator();
        using DynamicRouter router = Router(estimator);
        using MonitoredRouter monitored = Monitor(router, fallback);
        var buffers = new RoutingBuffers(Tokens, 2, 8, false);
        monitored.Route(Hidden, Tokens, buffers);
        estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; monitored.CircuitBreakerState == CircuitBreakerState.Closed && call < 20; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => monitored.Route(Hidden, Tokens, buffers));
        }

        var context = new RoutingContext { ExpertMask = new byte[] { 1, 1, 1, 1, 1, 1, 1, 1 } };
        NoAllocation.Assert(() => monitored.Route(Hidden, Tokens, buffers, context));
        Assert.Equal(CircuitBreakerState.Open, monitored.CircuitBreakerState);
    }

    private MonitoredRouter Monitor(DynamicRouter router, BreakerFallback fallback) => router.WithMonitoring(true, new MonitoringOptions
    {
        TimeProvider = _clock, CircuitBreaker = new CircuitBreakerOptions { Fallback = fallback },
    });

    private static DynamicRouter Router(EstimatorChoice estimator) => new(new DynamicRouterOptions
    {
        InputDim = Dim, NumExperts = 8, MaxExperts = 2, ComplexityEstimator = estimator,
    });
}
