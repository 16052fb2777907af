using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>DESIGN.md section 4 through the public router, against the reference. An identity gate makes the hidden states the logits.</summary>
public sealed class RoutingRuleTests
{
    private const int Tokens = 33;

    public static TheoryData<string, RoutingStrategy, Weighting, int> Cases()
    {
        var cases = new TheoryData<string, RoutingStrategy, Weighting, int>();
        foreach (string logits in RouterLogits.FiniteCases)
        {
            foreach (RoutingStrategy strategy in Enum.GetValues<RoutingStrategy>())
            {
                foreach (Weighting weighting in Enum.GetValues<Weighting>())
                {
                    cases.Add(logits, strategy, weighting, 8);
                }
            }
        }

        cases.Add("gaussian", RoutingStrategy.TopK, Weighting.Renormalize, 1);
        cases.Add("gaussian", RoutingStrategy.Threshold, Weighting.TrainedScale, 128);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Route_WhenLogitsAreGiven_MatchesReference(string logits, RoutingStrategy strategy, Weighting weighting, int experts)
    {
        int max = Math.Min(4, experts);
        int trained = Math.Min(2, experts);
        float[] hidden = RouterLogits.Finite(logits, Tokens, experts);
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = trained);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            MaxExperts = max, Strategy = strategy, Weighting = weighting, ComplexityEstimator = ComplexityEstimators.RouterMargin, Tau = 0.4f, TopP = 0.7f,
        });
        var buffers = new RoutingBuffers(Tokens, max, experts, true);

        RoutingReport report = router.Route(hidden, Tokens, buffers);

        ReferenceRoutes expected = ReferenceRouter.Select(
            hidden,
            new GateRules { Experts = experts, TrainedExperts = trained },
            new RouteRules
            {
                MinExperts = 1, MaxExperts = max, Strategy = (ReferenceStrategy)strategy, Weighting = (ReferenceWeighting)weighting,
                Score = ReferenceScore.RouterMargin, Tau = 0.4f, TopP = 0.7f,
            });
        RoutingOracle.AssertMatches(expected, buffers);
        Assert.Equal(Tokens, report.Tokens);
        Assert.Equal(buffers.ExpertsPerToken.Sum(), report.Routes);
        Assert.Equal(buffers.ExpertRoutes.Sum(), report.Routes);
        Assert.Equal(buffers.ExpertRoutes.Max(), report.MaxExpertRoutes);
        Assert.Equal(buffers.ExpertRoutes.Count(r => r > 0), report.DistinctExperts);
    }

    [Theory]
    [InlineData(GateFunction.Softmax, GroupScore.Max)]
    [InlineData(GateFunction.Sigmoid, GroupScore.Top2Sum)]
    public void Route_WhenGateHasGroupsAndBias_MatchesReference(GateFunction function, GroupScore groupScore)
    {
        const int experts = 16;
        float[] hidden = RouterLogits.Finite("gaussian", Tokens, experts, 3);
        float[] bias = new SeededRandom(4).Uniform(experts, -0.1, 0.1);
        using GateWeights gate = Gates.Identity(experts, o =>
        {
            o.Gate = function;
            o.TrainedExperts = 4;
            o.Groups = 4;
            o.TopGroups = 2;
            o.GroupScore = groupScore;
            o.RoutedScale = 2.5f;
        });
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            Strategy = RoutingStrategy.Threshold, Weighting = Weighting.TrainedScale, SelectionBias = bias,
        });
        var buffers = new RoutingBuffers(Tokens, 4, experts, false);

        router.Route(hidden, Tokens, buffers);

        ReferenceRoutes expected = ReferenceRouter.Select(
            hidden,
            new GateRules
            {
                Experts = experts, TrainedExperts = 4, Gate = (ReferenceGate)function, Groups = 4, TopGroups = 2,
                GroupScore = (ReferenceGroupScore)groupScore, RoutedScale = 2.5,
            },
            new RouteRules
            {
                MinExperts = 1, MaxExperts = 4, Strategy = ReferenceStrategy.Threshold, Weighting = ReferenceWeighting.TrainedScale,
                Score = ReferenceScore.RouterMargin, SelectionBias = bias,
            });
        RoutingOracle.AssertMatches(expected, buffers);
    }

    [Fact]
    public void Route_WhenContextSuppliesEverything_MatchesReference()
    {
        const int experts = 8;
        float[] hidden = RouterLogits.Finite("gaussian", Tokens, experts, 5);
        var random = new SeededRandom(6);
        float[] scores = random.Uniform(Tokens);
        byte[] mask = [1, 1, 0, 1, 1, 1, 0, 1];
        using GateWeights gate = Gates.Identity(experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 5, NoiseFactor = 0.5f, Seed = 9 });
        var buffers = new RoutingBuffers(Tokens, 5, experts, true);
        long[] positions = [.. Enumerable.Range(1000, Tokens).Select(p => (long)p)];

        router.Route(hidden, Tokens, buffers, new RoutingContext { ComplexityScores = scores, ExpertMask = mask, Positions = positions });

        ReferenceRoutes expected = ReferenceRouter.Select(
            hidden,
            new GateRules { Experts = experts, TrainedExperts = 1 },
            new RouteRules
            {
                MinExperts = 2, MaxExperts = 5, Score = ReferenceScore.Supplied, Scores = scores, Usable = [.. mask.Select(m => m != 0)],
                NoiseFactor = 0.5f, NoiseSeed = 9, Positions = positions,
            });
        RoutingOracle.AssertMatches(expected, buffers);
    }

    [Fact]
    public void Route_WhenCountsOrTausAreGiven_FollowsThem()
    {
        const int experts = 8;
        float[] hidden = RouterLogits.Finite("gaussian", 4, experts, 7);
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = 6);
        using var byCount = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2 });
        using var byTau = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
        var buffers = new RoutingBuffers(4, 6, experts, false);

        byCount.Route(hidden, 4, buffers, new RoutingContext { ExpertCounts = new[] { 1, 3, 6, 9 } });
        Assert.Equal([2, 3, 6, 6], buffers.ExpertsPerToken);

        byTau.Route(hidden, 4, buffers, new RoutingContext { TokenTaus = new[] { 0f, 1f, 0f, 1f } });
        Assert.Equal([6, 1, 6, 1], buffers.ExpertsPerToken);
    }

    [Fact]
    public void Route_WhenTooFewExpertsAreUsable_ThrowsLoadBalancing()
    {
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 3, MaxExperts = 3 });
        var buffers = new RoutingBuffers(1, 3, 4, false);
        Array.Fill(buffers.ExpertIndices, 99);

        Assert.Throws<LoadBalancingException>(
            () => router.Route([1, 2, 3, 4], 1, buffers, new RoutingContext { ExpertMask = new byte[] { 1, 0, 0, 1 } }));

        Assert.All(buffers.ExpertIndices, id => Assert.Equal(99, id));
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Route_WhenCountIsTheTrainedOne_ReproducesTheStaticRule()
    {
        const int experts = 8;
        float[] hidden = RouterLogits.Finite("gaussian", Tokens, experts, 8);
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, Weighting = Weighting.TrainedScale });
        var buffers = new RoutingBuffers(Tokens, 2, experts, false);

        router.Route(hidden, Tokens, buffers);

        for (int token = 0; token < Tokens; token++)
        {
            float[] logits = hidden[(token * experts)..((token + 1) * experts)];
            int[] best = [.. Enumerable.Range(0, experts).OrderByDescending(e => logits[e]).Take(2)];
            double share = 1 / (1 + Math.Exp((double)logits[best[1]] - logits[best[0]]));
            Assert.Equal(best, buffers.IndicesOf(token).ToArray());
            TestKit.Numerics.Tolerance.GateWeight.AssertClose([share, 1 - share], buffers.WeightsOf(token));
        }
    }

    [Fact]
    public void Route_WhenLogitsAreAskedFor_ReturnsTheGatesOwn()
    {
        var random = new SeededRandom(10);
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = 20, NumExperts = 5 }, 3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        float[] hidden = random.Gaussian(7 * 20);
        var buffers = new RoutingBuffers(7, 1, 5, true);
        var logits = new float[7 * 5];

        router.Route(hidden, 7, buffers);
        gate.Logits(hidden, 7, logits);

        Assert.Equal(RoutingOracle.Bits(logits), RoutingOracle.Bits(buffers.RouterLogits));
    }
}
