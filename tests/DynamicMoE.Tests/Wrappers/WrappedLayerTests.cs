using DynamicMoE.Native;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers;

/// <summary>What wrappers do to a layer over them: threads of the experts, what is measured, and how many native calls a batch takes.</summary>
public sealed class WrappedLayerTests : IDisposable
{
    private const int Dim = 16;
    private const int Experts = 4;
    private const int Tokens = 6;

    private readonly float[] _hidden = new SeededRandom(1).Gaussian(Tokens * Dim);
    private readonly float[] _output = new float[Tokens * Dim];
    private readonly LimitEstimator _estimator = new();
    private readonly DynamicRouter _router;
    private readonly TestExperts _experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 8 });

    public WrappedLayerTests() =>
        _router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = Experts, MaxExperts = 2, ComplexityEstimator = _estimator });

    public void Dispose()
    {
        _router.Dispose();
        _experts.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Forward_OverAnOptimizedRouter_LimitsTheThreadsOfRoutingAndExperts(bool cached)
    {
        IRouter optimized = _router.Optimize(enableParallel: false);
        List<int> ofExperts = [];
        using var layer = new MoELayer(
            cached ? optimized.WithCache() : optimized,
            _ => new FunctionExpert((rows, _, output) =>
            {
                ofExperts.Add(ThreadLimit.Set(-1));
                rows.CopyTo(output);
            }),
            Experts);

        layer.Forward(_hidden, Tokens, _output);

        Assert.All(ofExperts, limit => Assert.Equal(1, limit));
        Assert.NotEmpty(ofExperts);
        Assert.All(_estimator.Limits, limit => Assert.Equal(1, limit));
        Assert.Equal(0, ThreadLimit.Set(0));
    }

    [Fact]
    public void Forward_OverAnOptimizedRouter_IsOneNativeCallWithinTheLimit()
    {
        OptimizedRouter optimized = _router.Optimize(enableAutoscaling: false, maxWorkers: 1);
        var seen = new PassingRouter(optimized);
        using var layer = new MoELayer(seen, _experts.Bank);

        layer.Forward(_hidden, Tokens, _output);
        _estimator.Failure = new InvalidOperationException("broken");
        Assert.Throws<ComplexityEstimationException>(() => layer.Forward(_hidden, Tokens, _output));

        Assert.Equal([1, 1], _estimator.Limits);
        Assert.Equal(0, ThreadLimit.Set(0));
        Assert.Equal((0, 1, 1), (seen.Asked, seen.Went, seen.Failed));
        OptimizationPerformance performance = optimized.GetOptimizationStats().Performance;
        Assert.Equal((MonitoredCalls.Forward, 2L, 1L, (long)Tokens, 0), (performance.CallsAre, performance.TotalCalls, performance.FailedCalls, performance.TotalTokens, performance.RunningCalls));
    }

    [Fact]
    public void Stats_OnceALayerRan_AreOfItsBatchesAlone()
    {
        var clock = new ManualClock();
        OptimizedRouter optimized = _router.Optimize(scaling: new ScalingOptions { TimeProvider = clock });
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        using var layer = new MoELayer(optimized.WithCache(), _experts.Bank);
        optimized.Route(_hidden, Tokens, buffers);
        Assert.Equal((MonitoredCalls.Route, 1L), Calls());

        layer.Forward(_hidden, Tokens, _output);
        optimized.Route(_hidden, Tokens, buffers);
        layer.Forward(_hidden, Tokens, _output);

        Assert.Equal((MonitoredCalls.Forward, 2L), Calls());

        (MonitoredCalls, long) Calls()
        {
            OptimizationPerformance performance = optimized.GetOptimizationStats().Performance;
            return (performance.CallsAre, performance.TotalCalls);
        }
    }

    [Fact]
    public void Forward_WhileTheCacheRests_IsOneNativeCallAndMeasuresAgain()
    {
        // Each way takes the same time: measuring finds no benefit.
        var cached = new CachedRouter(_router, new CacheOptions { Mode = CacheMode.Measure, TimeProvider = new SteppingClock() });
        var seen = new PassingRouter(cached);
        using var layer = new MoELayer(seen, _experts.Bank);
        while (cached.GetCacheStats().State == CacheState.Measuring)
        {
            layer.Forward(_hidden, Tokens, _output);
        }

        Assert.Equal((CacheState.Resting, 0), (cached.GetCacheStats().State, seen.Went));
        int asked = seen.Asked;
        for (int call = 0; call < CacheGovernor.FirstRest; call++)
        {
            Assert.Equal(CacheState.Resting, cached.GetCacheStats().State);
            layer.Forward(_hidden, Tokens, _output);
        }

        Assert.Equal((CacheState.Measuring, asked, CacheGovernor.FirstRest), (cached.GetCacheStats().State, seen.Asked, seen.Went));
    }

    [Fact]
    public void Forward_OverAllWrappers_AllocatesNothing()
    {
        using MonitoredRouter monitored = _router.Optimize().WithCache().WithMonitoring();
        using var layer = new MoELayer(monitored, _experts.Bank);
        _estimator.Quiet = true;

        NoAllocation.Assert(() => layer.Forward(_hidden, Tokens, _output));
    }

    /// <summary>Tells the limit of threads under which it is asked.</summary>
    private sealed class LimitEstimator() : ComplexityEstimator(normalize: false)
    {
        public override string Name => "limits";

        public List<int> Limits { get; } = [];

        public bool Quiet { get; set; }

        public Exception? Failure { get; set; }

        public override void Estimate(in EstimationInput input, Span<float> raw)
        {
            if (!Quiet)
            {
                // Out of range: tells the limit and changes nothing.
                Limits.Add(ThreadLimit.Set(-1));
            }

            if (Failure is not null)
            {
                throw Failure;
            }

            raw.Fill(0.5f);
        }
    }

    /// <summary>Counts batches that go through it and past it.</summary>
    private sealed class PassingRouter(IRouter inner) : RouterWrapper(inner)
    {
        public int Asked { get; private set; }

        public int Went { get; private set; }

        public int Failed { get; private set; }

        internal override bool CanBePassed => true;

        internal override void Passed(in RoutingReport report, RoutingBuffers routing) => Went++;

        internal override void PassFailed(Exception error) => Failed++;

        private protected override RoutingReport RouteRows(
            ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
        {
            Asked++;
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }
    }
}
