using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers;

/// <summary>Wrappers around wrappers, in every order: the bits of the router inside, and each wrapper sees every call.</summary>
public sealed class WrapperCompositionTests
{
    private const int Dim = 20;
    private const int Experts = 8;
    private const int Tokens = 6;

    public static TheoryData<string> Orders => ["cache,scale,see", "cache,see,scale", "scale,cache,see", "scale,see,cache", "see,cache,scale", "see,scale,cache"];

    [Theory]
    [MemberData(nameof(Orders))]
    public void Route_InWhateverOrder_GivesTheBitsOfTheRouterInside(string order)
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 1);
        var options = new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.4, LoadBalancing = true, NoiseFactor = 0.1f };
        using var plain = new DynamicRouter(gate, options);
        using var inner = new DynamicRouter(gate, options);
        IRouter router = inner;
        CachedRouter? cached = null;
        OptimizedRouter? optimized = null;
        SeenCalls? seen = null;
        foreach (string wrapper in order.Split(','))
        {
            router = wrapper switch
            {
                "cache" => cached = router.WithCache(),
                "scale" => optimized = router.Optimize(),
                _ => seen = new SeenCalls(router),
            };
        }

        var random = new SeededRandom(2);
        float[][] batches = [.. Enumerable.Range(0, 4).Select(_ => random.Gaussian(Tokens * Dim))];
        var context = new RoutingContext { Positions = new long[Tokens], ExpertMask = new byte[] { 1, 1, 1, 1, 1, 1, 1, 0 } };
        for (int call = 0; call < 16; call++)
        {
            var expected = new RoutingBuffers(Tokens, 2, Experts, true);
            var actual = new RoutingBuffers(Tokens, 2, Experts, true);

            Assert.Equal(plain.Route(batches[call % 4], Tokens, expected, context), router.Route(batches[call % 4], Tokens, actual, context));
            SameRouting.Assert(expected, actual, Tokens);
        }

        Assert.Equal((12L * Tokens, 4L * Tokens), (cached!.GetCacheStats().HitCount, cached.GetCacheStats().MissCount));
        Assert.Equal(16, optimized!.GetOptimizationStats().Performance.TotalCalls);
        Assert.Equal(16, seen!.Calls);
        Assert.Equal(plain.Tau, router.Tau);
    }

    [Fact]
    public void Forward_WhenALayerHasAWrappedRouter_GivesTheSameOutput()
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 16 });
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 1);
        using var plain = new DynamicRouter(gate, new DynamicRouterOptions());
        using var inner = new DynamicRouter(gate, new DynamicRouterOptions());
        using var layer = new MoELayer(plain, experts.Bank);
        using var wrapped = new MoELayer(inner.WithCache().Optimize(), experts.Bank);
        float[] hidden = new SeededRandom(3).Gaussian(Tokens * Dim);
        var expected = new float[hidden.Length];
        var actual = new float[hidden.Length];
        for (int call = 0; call < 3; call++)
        {
            Assert.Equal(layer.Forward(hidden, Tokens, expected), wrapped.Forward(hidden, Tokens, actual));
            Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
        }
    }
}
