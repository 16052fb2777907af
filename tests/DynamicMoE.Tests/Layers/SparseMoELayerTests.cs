using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class SparseMoELayerTests
{
    private const int Experts = 4;

    [Theory]
    [InlineData(OverflowPolicy.Drop, 0.5f)]
    [InlineData(OverflowPolicy.Drop, 1f)]
    [InlineData(OverflowPolicy.Reroute, 1f)]
    [InlineData(OverflowPolicy.Reroute, 1.25f)]
    public void Forward_WhenExpertsOverflow_MatchesReference(OverflowPolicy overflow, float factor)
    {
        const int tokens = 40;
        float[] hidden = Skewed(tokens, 5);
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2 });
        using var native = Native(router, factor, overflow);
        using var managed = new SparseMoELayer(
            router, e => FunctionExpert.Times(e + 1), Experts, new SparseMoELayerOptions { CapacityFactor = factor, Overflow = overflow });
        var buffers = new RoutingBuffers(tokens, 2, Experts, false);
        float[] output = new float[hidden.Length], staged = new float[hidden.Length];

        RoutingReport report = native.Forward(hidden, tokens, output, buffers);
        RoutingReport stagedReport = managed.Forward(hidden, tokens, staged);

        ReferenceRoutes expected = ReferenceRouter.Select(
            hidden,
            new GateRules { Experts = Experts, TrainedExperts = 2 },
            new RouteRules { MinExperts = 2, MaxExperts = 2, Score = ReferenceScore.RouterMargin });
        ReferenceCapacity.Apply(expected, factor, (ReferenceOverflow)overflow);
        for (int token = 0; token < tokens; token++)
        {
            Assert.Equal(expected.Ids[token], buffers.IndicesOf(token).ToArray());
            Assert.Equal(expected.Weights[token], buffers.WeightsOf(token).ToArray().Select(w => (double)w), (a, b) => Math.Abs(a - b) < 1e-6);
        }

        Assert.Equal(
            (expected.Routes, expected.OverflowRoutes, expected.DroppedRoutes, expected.MaxExpertRoutes),
            (report.Routes, report.OverflowRoutes, report.DroppedRoutes, report.MaxExpertRoutes));
        Assert.Equal(report, stagedReport);
        Assert.All(output.Zip(staged), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal(report.DroppedRoutes, native.GetPerformanceSummary().DroppedRoutes);
    }

    [Theory]
    [InlineData(OverflowPolicy.Drop)]
    [InlineData(OverflowPolicy.Reroute)]
    public void Forward_WhenTheRouterIsWrapped_GivesTheSameBits(OverflowPolicy overflow)
    {
        const int tokens = 40;
        float[] hidden = Skewed(tokens, 6);
        var mask = new RoutingContext { ExpertMask = new byte[] { 1, 1, 0, 1 } };
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2, SelectionBias = [0, 0.1f, 0, 0.2f] });
        using var other = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2, SelectionBias = [0, 0.1f, 0, 0.2f] });
        var options = new SparseMoELayerOptions { CapacityFactor = 1, Overflow = overflow };
        using SparseMoELayer fused = Native(router, 1, overflow);
        using SparseMoELayer routed = Native(new WrappedLimitedRouter(other), 1, overflow);
        using var managed = new SparseMoELayer(new WrappedLimitedRouter(other), e => FunctionExpert.Times(e + 1), Experts, options);
        float[] expected = new float[hidden.Length], output = new float[hidden.Length], staged = new float[hidden.Length];

        RoutingReport report = fused.Forward(hidden, tokens, expected, null, mask);

        Assert.NotEqual(0, report.OverflowRoutes);
        Assert.Equal(report, routed.Forward(hidden, tokens, output, null, mask));
        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(output));
        Assert.Equal(router.GetExpertUsageStats().AvgUsagePerExpert, other.GetExpertUsageStats().AvgUsagePerExpert);
        Assert.Equal(report, managed.Forward(hidden, tokens, staged, null, mask));
    }

    [Fact]
    public void Constructor_WhenTheRouterHasNoLimit_NamesIt()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());

        var error = Assert.Throws<RouterConfigurationException>(() => Native(new WrappedRouter(router), 1, OverflowPolicy.Drop));

        Assert.Contains(nameof(WrappedRouter), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0f, OverflowPolicy.Drop, "Factor (0)")]
    [InlineData(float.NaN, OverflowPolicy.Drop, "Factor (NaN)")]
    [InlineData(1f, (OverflowPolicy)5, "Overflow (5)")]
    public void RouteWithin_WhenTheLimitIsOutOfRange_SaysSo(float factor, OverflowPolicy overflow, string part)
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        var buffers = new RoutingBuffers(1, 1, Experts, false);

        var error = Assert.Throws<RouterConfigurationException>(
            () => router.RouteWithin(new CapacityLimit(factor, overflow), new float[Experts], 1, buffers));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RouteWithin_WhenLogitsAreKept_GivesTheSameRoutesAndTheLogits()
    {
        const int tokens = 40, slots = 3;
        float[] hidden = Skewed(tokens, 7);
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2 });
        var limit = new CapacityLimit(0.5f, OverflowPolicy.Drop);
        RoutingBuffers free = new(tokens, slots, Experts, true), plain = new(tokens, slots, Experts, false), kept = new(tokens, slots, Experts, true);
        _ = router.Route(hidden, tokens, free);

        RoutingReport report = router.RouteWithin(limit, hidden, tokens, plain);

        Assert.NotEqual(0, report.DroppedRoutes);
        Assert.Equal(report, router.RouteWithin(limit, hidden, tokens, kept));
        Assert.Equal(plain.ExpertIndices, kept.ExpertIndices);
        Assert.Equal(plain.ExpertWeights, kept.ExpertWeights);
        Assert.Equal(plain.ExpertRoutes, kept.ExpertRoutes);
        Assert.Equal(free.RouterLogits, kept.RouterLogits);
    }

    [Fact]
    public void RouteWithin_WhenARouterDoesNotHaveIt_IsNotSupported()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var inner = new DynamicRouter(gate, new DynamicRouterOptions());
        IRouter router = new WrappedRouter(inner);

        Assert.False(router.CanLimit);
        Assert.Throws<NotSupportedException>(
            () => router.RouteWithin(new CapacityLimit(1, OverflowPolicy.Drop), new float[Experts], 1, new RoutingBuffers(1, 1, Experts, false)));
    }

    [Property(MaxTest = 30)]
    public void Forward_WhateverTheBatch_NeverExceedsTheCapacity(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int tokens = random.NextInt(1, 60);
        float factor = (float)random.NextDouble() * 2 + 0.05f;
        var overflow = (OverflowPolicy)random.NextInt(0, 2);
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
        using SparseMoELayer layer = Native(router, factor, overflow);
        float[] hidden = Skewed(tokens, random.NextBits());
        var unlimited = new RoutingBuffers(tokens, 3, Experts, false);
        var buffers = new RoutingBuffers(tokens, 3, Experts, false);
        long routes = router.Route(hidden, tokens, unlimited).Routes;

        RoutingReport report = layer.Forward(hidden, tokens, new float[hidden.Length], buffers);

        long capacity = ReferenceCapacity.Of(factor, (int)routes, Experts);
        Assert.All(buffers.ExpertRoutes, count => Assert.InRange(count, 0, capacity));
        Assert.Equal(routes - report.DroppedRoutes, report.Routes);
        Assert.Equal(report.Routes, buffers.ExpertRoutes.Sum());
    }

    [Fact]
    public void Forward_WhenATokenLosesEveryRoute_GivesZeros()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        using SparseMoELayer layer = Native(router, 1, OverflowPolicy.Drop);
        float[] hidden = [3, 0, 0, 0, 2, 0, 0, 0];
        var output = new float[8];

        RoutingReport report = layer.Forward(hidden, 2, output);

        // Two routes to expert 0 with room for one; equal weights claim in token order.
        Assert.Equal(1, report.DroppedRoutes);
        Assert.Equal([3f, 0, 0, 0, 0, 0, 0, 0], output);
    }

    [Fact]
    public void Forward_WhenALayerHasNoLimit_OnlyReportsOverflow()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        using var layer = new MoELayer(router, e => FunctionExpert.Times(1), Experts, new MoELayerOptions { ExpertCapacityFactor = 1 });
        float[] hidden = [3, 0, 0, 0, 2, 0, 0, 0];
        var output = new float[8];

        RoutingReport report = layer.Forward(hidden, 2, output);

        Assert.Equal((1, 0, 2), (report.OverflowRoutes, report.DroppedRoutes, report.Routes));
        Assert.Equal(hidden, output);
    }

    [Theory]
    [InlineData(1.2f, 12)]
    [InlineData(1.6f, 16)]
    [InlineData(1.7f, 17)]
    [InlineData(0.1f, 1)]
    public void Forward_WhenTheFactorIsADecimalFraction_TheCapacityIsNotOneMore(float factor, int capacity)
    {
        const int Tokens = 100;
        using GateWeights gate = Gates.Identity(10);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        var sparse = new SparseMoELayerOptions { CapacityFactor = factor };
        using var limited = new SparseMoELayer(router, e => FunctionExpert.Times(1), 10, sparse);
        using var counting = new MoELayer(router, e => FunctionExpert.Times(1), 10, new MoELayerOptions { ExpertCapacityFactor = factor });
        var hidden = new float[Tokens * 10];
        for (int token = 0; token < Tokens; token++)
        {
            hidden[token * 10] = 1; // all to expert 0
        }

        var output = new float[hidden.Length];

        Assert.Equal(capacity, limited.Forward(hidden, Tokens, output).Routes);
        Assert.Equal(Tokens - capacity, counting.Forward(hidden, Tokens, output).OverflowRoutes);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Constructor_WhenCapacityIsOutOfRange_SaysSo(float factor)
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());

        var error = Assert.Throws<RouterConfigurationException>(() => Native(router, factor, (OverflowPolicy)5));

        Assert.Contains("CapacityFactor", error.Message, StringComparison.Ordinal);
        Assert.Contains("Overflow (5)", error.Message, StringComparison.Ordinal);
    }

    private static SparseMoELayer Native(IRouter router, float factor, OverflowPolicy overflow)
    {
        // Expert e multiplies by e + 1; the layer keeps the bank's native side alive.
        using ExpertBank bank = ExpertBank.Create(
            new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = Experts, Kind = ExpertKind.Linear });
        for (int expert = 0; expert < Experts; expert++)
        {
            var weights = new float[Experts * Experts];
            for (int i = 0; i < Experts; i++)
            {
                weights[i * Experts + i] = expert + 1;
            }

            bank.SetExpert(expert, ExpertWeights.FromFloat32(default, weights, default));
        }

        return new SparseMoELayer(router, bank, new SparseMoELayerOptions { CapacityFactor = factor, Overflow = overflow });
    }

    /// <summary>Logits that prefer expert 0, so that it overflows.</summary>
    private static float[] Skewed(int tokens, ulong seed)
    {
        float[] logits = new SeededRandom(seed).Gaussian(tokens * Experts);
        for (int token = 0; token < tokens; token++)
        {
            logits[token * Experts] += 1.5f;
        }

        return logits;
    }
}
