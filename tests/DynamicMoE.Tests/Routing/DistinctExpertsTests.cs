using System.Numerics.Tensors;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>The cap on distinct experts of a batch, in the router and in layers.</summary>
public sealed class DistinctExpertsTests : IDisposable
{
    private const int Experts = 8;
    private const int Tokens = 24;
    private static readonly float[] Hidden = new SeededRandom(111).Gaussian(Tokens * Experts);

    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);

    public void Dispose() => _gate.Dispose();

    private DynamicRouter Router(int? cap, Action<DynamicRouterOptions>? configure = null)
    {
        var options = new DynamicRouterOptions
        {
            MaxDistinctExperts = cap, MinExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin, LoadBalancing = false,
        };
        configure?.Invoke(options);
        return new DynamicRouter(_gate, options);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Route_WhenCapped_UsesTheExpertsOfTheDefinition(int cap)
    {
        using DynamicRouter router = Router(cap);
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        RoutingReport report = router.Route(Hidden, Tokens, buffers);

        int[] subset = Subset(cap);
        Assert.InRange(report.DistinctExperts, 2, cap);
        for (int token = 0; token < Tokens; token++)
        {
            float[] row = Hidden[(token * Experts)..((token + 1) * Experts)];
            Assert.Equal([.. subset.OrderByDescending(e => row[e]).Take(2)], buffers.IndicesOf(token).ToArray());
        }
    }

    [Fact]
    public void Route_WhenCapped_FlagsTheResult()
    {
        using DynamicRouter capped = Router(3);
        using DynamicRouter free = Router(null);
        var input = new ReadOnlyTensorSpan<float>(Hidden, [1, Tokens, Experts]);

        Assert.True(capped.Route(input).Info.BatchWideRule);
        Assert.False(free.Route(input).Info.BatchWideRule);
        RoutingResult once = free.Route(input, context: new RoutingContext { MaxDistinctExperts = 3 });
        Assert.True(once.Info.BatchWideRule);
        Assert.InRange(once.Info.Report.DistinctExperts, 2, 3);
    }

    [Fact]
    public void Forward_WhenCapped_AllPipelinesAgree()
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 16 });
        using DynamicRouter router = Router(3);
        using var fused = new MoELayer(router, experts.Bank);
        using var routed = new MoELayer(new WrappedRouter(router), experts.Bank);
        var input = new ReadOnlyTensorSpan<float>(Hidden, [1, Tokens, Experts]);

        MoEResult one = fused.Forward(input);
        MoEResult two = routed.Forward(input);

        Assert.InRange(one.Report.DistinctExperts, 2, 3);
        Assert.True(one.Routing.Info.BatchWideRule);
        Assert.True(two.Routing.Info.BatchWideRule);
        Assert.Equal(one.Routing.ExpertIndices.ToArray(), two.Routing.ExpertIndices.ToArray());
        Assert.Equal(one.Output.ToArray(), two.Output.ToArray());
    }

    [Fact]
    public void Forward_WhenACapacityFollows_BothHold()
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 16 });
        using DynamicRouter router = Router(3);
        using var layer = new SparseMoELayer(router, experts.Bank, new SparseMoELayerOptions { CapacityFactor = 3, Overflow = OverflowPolicy.Reroute });
        var output = new float[Hidden.Length];

        RoutingReport report = layer.Forward(Hidden, Tokens, output);

        Assert.InRange(report.DistinctExperts, 2, 3);
        Assert.InRange(report.MaxExpertRoutes, 1, 18);
    }

    [Fact]
    public void Cap_WhenItIsBelowMinExperts_IsALoadBalancingException()
    {
        Assert.Throws<LoadBalancingException>(() => Router(1));
        using DynamicRouter router = Router(null);
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        Assert.Throws<LoadBalancingException>(() => router.Route(Hidden, Tokens, buffers, new RoutingContext { MaxDistinctExperts = 1 }));
        Assert.Throws<RoutingValidationException>(() => router.Route(Hidden, Tokens, buffers, new RoutingContext { MaxDistinctExperts = 0 }));
        Assert.Throws<RouterConfigurationException>(() => Router(9));
        Assert.All(buffers.ExpertsPerToken, count => Assert.Equal(0, count));
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Route_WhenABudgetIsHeldUnderACap_HoldsIt()
    {
        using DynamicRouter router = Router(4, o =>
        {
            o.MinExperts = 1;
            o.Strategy = RoutingStrategy.Threshold;
            o.MeanExpertsBudget = 1.5;
        });
        var trace = new Trace(112);
        var buffers = new RoutingBuffers(64, 2, Experts, false);
        var means = new List<double>();
        for (int batch = 0; batch < 300; batch++)
        {
            RoutingReport report = router.Route(trace.Next(64, Experts), 64, buffers);
            Assert.InRange(report.DistinctExperts, 1, 4);
            means.Add(report.MeanExpertsPerToken);
        }

        Assert.Equal(1.5, means.Skip(200).Average(), 0.03);
    }

    [Fact]
    public void Route_WhenWarm_AllocatesNothing()
    {
        using DynamicRouter router = Router(3);
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);

        NoAllocation.Assert(() => router.Route(Hidden, Tokens, buffers));
    }

    // First choices by falling sum of p, then the others; a gate of unit rows makes the hidden states the logits.
    private static int[] Subset(int cap)
    {
        var sums = new double[Experts];
        var first = new bool[Experts];
        for (int token = 0; token < Tokens; token++)
        {
            double[] row = [.. Hidden[(token * Experts)..((token + 1) * Experts)].Select(l => Math.Exp(l))];
            first[Array.IndexOf(row, row.Max())] = true;
            for (int e = 0; e < Experts; e++)
            {
                sums[e] += row[e] / row.Sum();
            }
        }

        return [.. Enumerable.Range(0, Experts).OrderByDescending(e => first[e]).ThenByDescending(e => sums[e]).Take(cap)];
    }
}
