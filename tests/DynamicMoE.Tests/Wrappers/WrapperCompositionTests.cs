using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers;

/// <summary>Wrappers around wrappers, in every order: the bits of the router inside, and each wrapper sees every call.</summary>
public sealed class WrapperCompositionTests
{
    private const int Dim = 20;
    private const int Experts = 8;
    private const int Tokens = 6;

    public static TheoryData<string> Orders => ["cache,scale,watch", "cache,watch,scale", "scale,cache,watch", "scale,watch,cache", "watch,cache,scale", "watch,scale,cache"];

    [Theory]
    [MemberData(nameof(Orders))]
    public void Route_InWhateverOrder_GivesTheBitsOfTheRouterInside(string order)
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 1);
        var options = new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.4, LoadBalancing = true, NoiseFactor = 0.1f };
        using var plain = new DynamicRouter(gate, options);
        using var inner = new DynamicRouter(gate, options);
        using var stack = new Stack(inner, order);

        var random = new SeededRandom(2);
        float[][] batches = [.. Enumerable.Range(0, 4).Select(_ => random.Gaussian(Tokens * Dim))];
        var context = new RoutingContext { Positions = new long[Tokens], ExpertMask = new byte[] { 1, 1, 1, 1, 1, 1, 1, 0 } };
        for (int call = 0; call < 16; call++)
        {
            var expected = new RoutingBuffers(Tokens, 2, Experts, true);
            var actual = new RoutingBuffers(Tokens, 2, Experts, true);

            Assert.Equal(plain.Route(batches[call % 4], Tokens, expected, context), stack.Router.Route(batches[call % 4], Tokens, actual, context));
            SameRouting.Assert(expected, actual, Tokens);
        }

        CacheStats cache = stack.Cached.GetCacheStats();
        Assert.Equal((12L * Tokens, 4L * Tokens), (cache.HitCount, cache.MissCount));
        Assert.Equal((16L, 16L, MonitoredCalls.Route), stack.Calls);
        Assert.Equal(plain.Tau, stack.Router.Tau);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Forward_InWhateverOrder_GivesTheSameBitsAndEachSeesEveryBatch(string order)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 16 });
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 1);
        using var plain = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.4 });
        using var inner = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.4 });
        using var stack = new Stack(inner, order);
        using MoELayer layer = new(plain, experts.Bank), wrapped = new(stack.Router, experts.Bank);
        float[] hidden = new SeededRandom(3).Gaussian(Tokens * Dim);
        float[] expected = new float[hidden.Length], actual = new float[hidden.Length];
        for (int call = 0; call < 4; call++)
        {
            Assert.Equal(layer.Forward(hidden, Tokens, expected), wrapped.Forward(hidden, Tokens, actual));
            Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
        }

        Assert.Equal((4L, 4L, MonitoredCalls.Forward), stack.Calls);
        Assert.Equal(3L * Tokens, stack.Cached.GetCacheStats().HitCount);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Forward_InWhateverOrder_GoesOnWithStaticRoutesAndRecovers(string order)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 16 });
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 1);
        using var fixedRouter = new DynamicRouter(
            gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        var estimator = new SwitchEstimator();
        using var inner = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = estimator, LoadBalancing = false });
        using var stack = new Stack(inner, order);
        using MoELayer layer = new(fixedRouter, experts.Bank), wrapped = new(stack.Router, experts.Bank);
        float[] hidden = new SeededRandom(3).Gaussian(Tokens * Dim);
        float[] expected = new float[hidden.Length], actual = new float[hidden.Length];
        layer.Forward(hidden, Tokens, expected);

        estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; call < 10; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => wrapped.Forward(hidden, Tokens, actual));
        }

        wrapped.Forward(hidden, Tokens, actual);
        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
        Assert.Equal(CircuitBreakerState.Open, stack.Watched.CircuitBreakerState);

        estimator.Failure = null;
        stack.Clock.Advance(TimeSpan.FromSeconds(5));
        wrapped.Forward(hidden, Tokens, actual);
        Assert.Equal(CircuitBreakerState.Closed, stack.Watched.CircuitBreakerState);
        Assert.Equal((12L, 12L, MonitoredCalls.Forward), stack.Calls);
    }

    /// <summary>The three wrappers around a router, the first named innermost.</summary>
    private sealed class Stack : IDisposable
    {
        internal Stack(DynamicRouter inner, string order)
        {
            Router = inner;
            foreach (string wrapper in order.Split(','))
            {
                Router = wrapper switch
                {
                    "cache" => Cached = Router.WithCache(),
                    "scale" => Optimized = Router.Optimize(scaling: new ScalingOptions { TimeProvider = Clock }),
                    _ => Watched = Router.WithMonitoring(true, new MonitoringOptions { TimeProvider = Clock }),
                };
            }
        }

        internal ManualClock Clock { get; } = new();

        internal IRouter Router { get; }

        internal CachedRouter Cached { get; } = null!;

        internal OptimizedRouter Optimized { get; } = null!;

        internal MonitoredRouter Watched { get; } = null!;

        /// <summary>What autoscaler and monitoring counted, and what they count.</summary>
        internal (long Scaled, long Watched, MonitoredCalls Kind) Calls
        {
            get
            {
                OptimizationPerformance scaled = Optimized.GetOptimizationStats().Performance;
                MonitoringPerformance watched = Watched.GetMonitoringSummary().Performance;
                Assert.Equal(scaled.CallsAre, watched.CallsAre);
                return (scaled.TotalCalls, watched.TotalCalls, watched.CallsAre);
            }
        }

        public void Dispose() => Watched.Dispose();
    }
}
