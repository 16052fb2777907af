using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>Layers that run decisions that were made before.</summary>
public sealed class GivenRoutesTests
{
    private const int Dim = 32, Experts = 8, Tokens = 20;
    private static readonly float[] Hidden = new SeededRandom(4).Gaussian(Tokens * Dim);

    [Theory]
    [InlineData("fused", WeightFormat.Float32)]
    [InlineData("fused", WeightFormat.BFloat16)]
    [InlineData("fused", WeightFormat.Q8)]
    [InlineData("fused", WeightFormat.Q4)]
    [InlineData("routed", WeightFormat.Float32)]
    [InlineData("managed", WeightFormat.Float32)]
    [InlineData("sparse", WeightFormat.Float32)]
    [InlineData("normed", WeightFormat.Float32)]
    public void Execute_WhenRoutesAreThoseOfForward_GivesItsBits(string kind, WeightFormat format)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 24, Format = format });
        using var router = Router();
        using MoELayer layer = kind switch
        {
            "routed" => new MoELayer(new WrappedRouter(router), experts.Bank),
            "managed" => new MoELayer(router, expert => FunctionExpert.Times(expert + 1), Experts),
            "sparse" => new SparseMoELayer(router, experts.Bank),
            "normed" => new LayerNormMoE(router, experts.Bank),
            _ => new MoELayer(router, experts.Bank),
        };
        var routes = new RoutingBuffers(Tokens, 3, Experts, withLogits: false);
        var expected = new float[Hidden.Length];
        RoutingReport report = layer.Forward(Hidden, Tokens, expected, routes);
        float tau = router.Tau;
        long batches = router.GetExpertUsageStats().TotalBatches;
        var actual = new float[Hidden.Length];

        RoutingReport executed = layer.Execute(Hidden, Tokens, routes, actual);

        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
        Assert.Equal((report.Routes, report.DistinctExperts, report.MaxExpertRoutes), (executed.Routes, executed.DistinctExperts, executed.MaxExpertRoutes));
        Assert.Equal((tau, batches, 1L), (router.Tau, router.GetExpertUsageStats().TotalBatches, layer.GetPerformanceSummary().TotalForwardCalls));
    }

    [Theory]
    [InlineData(0, -2, 1f)]
    [InlineData(0, 8, 1f)]
    [InlineData(1, 3, float.NaN)]
    [InlineData(1, 0, 1f)]
    public void Execute_WhenARouteIsNotValid_NamesItAndWritesNothing(int slot, int expert, float weight)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 24 });
        using var router = Router();
        using var layer = new MoELayer(router, experts.Bank);
        var routes = new RoutingBuffers(1, 2, Experts, withLogits: false);
        routes.ExpertIndices[1] = -1;
        routes.ExpertIndices[slot] = expert;
        routes.ExpertWeights[slot] = weight;
        var output = new float[Dim];

        var e = Assert.Throws<RoutingValidationException>(() => layer.Execute(Hidden.AsSpan(0, Dim), 1, routes, output));

        Assert.Contains($"token 0 slot {slot} has expert {expert}", e.Message, StringComparison.Ordinal);
        Assert.All(output, value => Assert.Equal(0, value));
    }

    [Fact]
    public void Execute_WhenAnExpertStandsBehindAnUnusedSlot_RefusesIt()
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 24 });
        using var router = Router();
        using var layer = new MoELayer(router, experts.Bank);
        var routes = new RoutingBuffers(1, 2, Experts, withLogits: false);
        routes.ExpertIndices[0] = -1;
        routes.ExpertIndices[1] = 2;

        Assert.Throws<RoutingValidationException>(() => layer.Execute(Hidden.AsSpan(0, Dim), 1, routes, new float[Dim]));
    }

    private static DynamicRouter Router() => new(new DynamicRouterOptions
    {
        InputDim = Dim, NumExperts = Experts, MaxExperts = 3, Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 2, Seed = 7,
    });
}
