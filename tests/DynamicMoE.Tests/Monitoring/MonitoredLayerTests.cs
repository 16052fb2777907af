using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

public sealed class MonitoredLayerTests : IDisposable
{
    private const int Experts = 8;
    private const int Tokens = 5;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Tokens * Experts);
    private readonly ManualClock _clock = new();
    private readonly SwitchEstimator _estimator = new();
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
    private readonly TestExperts _experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 16 });

    public void Dispose()
    {
        _experts.Dispose();
        _gate.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Forward_WhenTheRouterIsMonitored_IsOneNativeCallWithTheSameBits(int monitors)
    {
        using DynamicRouter plain = Router(), inner = Router();
        using var bare = new MoELayer(plain, _experts.Bank);
        IRouter monitored = Enumerable.Range(0, monitors).Aggregate((IRouter)inner, (router, _) => router.WithMonitoring());
        using var layer = new MoELayer(monitored, _experts.Bank);
        var expectedRoutes = new RoutingBuffers(Tokens, 3, Experts, true);
        var routes = new RoutingBuffers(Tokens, 3, Experts, true);
        float[] expected = new float[Hidden.Length], output = new float[Hidden.Length];

        for (int batch = 0; batch < 3; batch++)
        {
            Assert.Equal(bare.Forward(Hidden, Tokens, expected, expectedRoutes), layer.Forward(Hidden, Tokens, output, routes));
            Assert.Equal(expected, output);
            Assert.Equal(expectedRoutes.ExpertIndices, routes.ExpertIndices);
            Assert.Equal(expectedRoutes.ExpertWeights, routes.ExpertWeights);
        }

        for (var at = monitored as MonitoredRouter; at is not null; at = at.Inner as MonitoredRouter)
        {
            MonitoringPerformance performance = at.GetMonitoringSummary().Performance;
            Assert.Equal((MonitoredCalls.Forward, 3L), (performance.CallsAre, performance.TotalCalls));
            Assert.Equal(plain.GetExpertUsageStats().UsageVariance, performance.LoadBalanceVariance, 12);
            at.Dispose();
        }
    }

    [Fact]
    public void Native_WhenEveryWrapperLetsCallsPass_Fuses()
    {
        using DynamicRouter router = Router();
        using MonitoredRouter monitored = router.WithMonitoring();
        using MonitoredRouter overForeign = new WrappedRouter(router).WithMonitoring();
        using var penalised = new DynamicRouter(
            _gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, LoadBalancing = true, BalancingMode = LoadBalancingMode.WeightPenalty });
        using MonitoredRouter overPenalised = penalised.WithMonitoring();
        var options = new MoELayerOptions();

        AssertWay<FusedPipeline>(router);
        AssertWay<FusedPipeline>(monitored);
        AssertWay<FusedPipeline>(router.WithCache().Optimize());
        AssertWay<FusedPipeline>(monitored.Optimize().WithCache());
        AssertWay<RoutedPipeline>(new OpaqueRouter(router));
        AssertWay<RoutedPipeline>(new OpaqueRouter(monitored));
        using (MonitoredRouter overOpaque = new OpaqueRouter(router).WithMonitoring())
        {
            AssertWay<RoutedPipeline>(overOpaque);
        }

        AssertWay<RoutedPipeline>(overForeign);
        AssertWay<RoutedPipeline>(overPenalised);

        void AssertWay<T>(IRouter way)
            where T : LayerPipeline
        {
            using LayerPipeline pipeline = LayerPipelines.Native(way, _experts.Bank, options, null);
            Assert.IsType<T>(pipeline);
        }
    }

    [Fact]
    public void Forward_WhenAWrapperWithinLetsNothingPass_TellsTheMonitorAllTheSame()
    {
        using DynamicRouter router = Router();
        using MonitoredRouter inside = router.WithMonitoring();
        using MonitoredRouter outside = new OpaqueRouter(inside).WithMonitoring();
        using var layer = new MoELayer(outside, _experts.Bank);
        layer.Forward(Hidden, Tokens, new float[Hidden.Length]);
        _estimator.Failure = new InvalidOperationException("broken");
        Assert.Throws<ComplexityEstimationException>(() => layer.Forward(Hidden, Tokens, new float[Hidden.Length]));

        foreach (MonitoredRouter monitored in (MonitoredRouter[])[inside, outside])
        {
            MonitoringPerformance performance = monitored.GetMonitoringSummary().Performance;
            Assert.Equal((MonitoredCalls.Forward, 2L, 1L), (performance.CallsAre, performance.TotalCalls, performance.TotalErrors));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WhenTheEstimatorKeepsFailing_GoesOnWithStaticRoutes(bool sparse)
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring(true, new MonitoringOptions { TimeProvider = _clock });
        using MoELayer layer = sparse ? new SparseMoELayer(monitored, _experts.Bank) : new MoELayer(monitored, _experts.Bank);
        using var fixedRouter = new DynamicRouter(
            _gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using MoELayer fixedLayer = sparse ? new SparseMoELayer(fixedRouter, _experts.Bank) : new MoELayer(fixedRouter, _experts.Bank);
        float[] expected = new float[Hidden.Length], output = new float[Hidden.Length];
        fixedLayer.Forward(Hidden, Tokens, expected);

        _estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; call < 10; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => layer.Forward(Hidden, Tokens, output));
        }

        layer.Forward(Hidden, Tokens, output);
        Assert.Equal(expected, output);
        Assert.Equal(CircuitBreakerState.Open, monitored.CircuitBreakerState);
        Assert.Equal(1, monitored.GetMonitoringSummary().Performance.TotalFallbacks);

        _estimator.Failure = null;
        _clock.Advance(TimeSpan.FromSeconds(5));
        layer.Forward(Hidden, Tokens, output);
        Assert.Equal(CircuitBreakerState.Closed, monitored.CircuitBreakerState);
        int asked = _estimator.Calls;
        layer.Forward(Hidden, Tokens, output);
        Assert.Equal(asked + 1, _estimator.Calls);
    }

    [Fact]
    public void Forward_WhenLastGoodIsTheFallback_UsesTheRoutesOfAFusedCall()
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring(true, new MonitoringOptions
        {
            TimeProvider = _clock, CircuitBreaker = new CircuitBreakerOptions { Fallback = BreakerFallback.LastGood },
        });
        using var layer = new MoELayer(monitored, _experts.Bank);
        var routes = new RoutingBuffers(Tokens, 3, Experts, false);
        layer.Forward(Hidden, Tokens, new float[Hidden.Length], routes);
        int[] last = routes.IndicesOf(Tokens - 1).ToArray();
        _estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; monitored.CircuitBreakerState == CircuitBreakerState.Closed && call < 20; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => layer.Forward(Hidden, Tokens, new float[Hidden.Length]));
        }

        layer.Forward(Hidden, Tokens, new float[Hidden.Length], routes);

        Assert.Equal(last, routes.IndicesOf(0).ToArray());
        Assert.Equal(last, routes.IndicesOf(Tokens - 1).ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Forward_WhenAnExpertFails_IsAnErrorButNotTheRouters(bool throws)
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring();
        bool dead = true;
        using var layer = new MoELayer(
            monitored,
            _ => new FunctionExpert((rows, _, output) =>
            {
                if (dead && throws)
                {
                    throw new InvalidOperationException("gone");
                }

                output.Fill(dead ? float.NaN : 1);
            }),
            Experts);
        for (int call = 0; call < 20; call++)
        {
            Assert.Throws<ExpertDispatchException>(() => layer.Forward(Hidden, Tokens, new float[Hidden.Length]));
        }

        dead = false;
        layer.Forward(Hidden, Tokens, new float[Hidden.Length]);

        MonitoringSummary summary = monitored.GetMonitoringSummary();
        Assert.Equal((21L, 20L), (summary.Performance.TotalCalls, summary.Performance.TotalErrors));
        Assert.Equal(CircuitBreakerState.Closed, summary.CircuitBreakerState);
        Assert.Equal(MonitoringStatus.Unhealthy, summary.Health.Status);
        Assert.StartsWith("ExpertDispatchException: Expert ", summary.Health.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void Forward_WhenExpertsOverflowWithinOneCall_DoesNotBlameTheRouter()
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring();
        using var layer = new MoELayer(monitored, _experts.Bank);
        var huge = new float[Experts];
        Array.Fill(huge, 3e38f);
        for (int call = 0; call < 20; call++)
        {
            Assert.Throws<ExpertDispatchException>(() => layer.Forward(huge, 1, new float[Experts]));
        }

        MonitoringSummary summary = monitored.GetMonitoringSummary();
        Assert.Equal(20, summary.Performance.TotalErrors);
        Assert.Equal(CircuitBreakerState.Closed, summary.CircuitBreakerState);
    }

    [Fact]
    public void Constructor_WhenTheRouterIsInsideWrappers_SeesThroughThem()
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring();
        using var guardrail = new ShadowGuardrail(new GuardrailOptions { SampleRate = 1, RunInBackground = false });
        using (var watched = new MoELayer(monitored, _experts.Bank, new MoELayerOptions { Guardrail = guardrail }))
        {
            watched.Forward(Hidden, Tokens, new float[Hidden.Length]);
            guardrail.RunPending();
            Assert.Equal(Tokens, guardrail.GetStatus().Samples);
        }

        using var layer = new MoELayer(
            monitored,
            expert => new FunctionExpert((rows, _, output) => output.Fill(expert == 2 ? float.NaN : 0)),
            Experts,
            new MoELayerOptions { ExpertFaults = ExpertFaultPolicy.Disable });
        float[] towardsTwo = new float[Experts];
        towardsTwo[2] = 5;
        Assert.Throws<ExpertDispatchException>(() => layer.Forward(towardsTwo, 1, new float[Experts]));
        layer.Forward(towardsTwo, 1, new float[Experts]);
        Assert.Equal([2], inner.GetDisabledExperts());
        Assert.Throws<RouterConfigurationException>(() => new MoELayer(
            new WrappedRouter(inner).WithMonitoring(), _experts.Bank, new MoELayerOptions { Guardrail = guardrail }));
    }

    private DynamicRouter Router() => new(
        _gate, new DynamicRouterOptions { MinExperts = 1, MaxExperts = 3, ComplexityEstimator = _estimator, LoadBalancing = false });

    /// <summary>A wrapper that a layer must ask.</summary>
    private sealed class OpaqueRouter(IRouter inner) : RouterWrapper(inner)
    {
        private protected override RoutingReport RouteRows(
            ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity) =>
            RouteInner(hidden, tokens, buffers, context, capacity);
    }
}
