using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

public sealed class WeightBalancerTests
{
    private const int Experts = 4;

    [Fact]
    public void Update_WhenOneExpertIsOverused_PenalisesItAlone()
    {
        var balancer = new WeightBalancer(Experts, 0.1f);
        Feed(balancer, [40, 8, 8, 8], 100);

        Assert.Equal([0.9f, 1, 1, 1], Factors(balancer));
    }

    [Fact]
    public void Update_WhenLoadIsWithinATenthOfTheMean_PenalisesNobody()
    {
        var balancer = new WeightBalancer(Experts, 0.1f);
        Feed(balancer, [109, 97, 97, 97], 100);

        Assert.Equal([1f, 1, 1, 1], Factors(balancer));
    }

    [Fact]
    public void Update_WhenTheLoadMoves_ForgetsTheOldOne()
    {
        var balancer = new WeightBalancer(Experts, 0.1f);
        Feed(balancer, [40, 8, 8, 8], 100);
        Feed(balancer, [8, 8, 8, 40], 100);

        Assert.Equal([1, 1, 1, 0.9f], Factors(balancer));
    }

    [Fact]
    public void Update_WhenAnExpertIsOut_LooksAtTheOthers()
    {
        var balancer = new WeightBalancer(Experts, 0.1f);
        Feed(balancer, [50, 10, 10, 0], 100, [1, 1, 1, 0]);

        Assert.Equal([0.9f, 1, 1, 1], Factors(balancer));
    }

    [Property(MaxTest = 40)]
    public void Apply_WhateverTheFactors_KeepsTheSumAndOrderOfPenalties(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int tokens = random.NextInt(1, 20);
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Weighting = (Weighting)random.NextInt(0, 3) });
        var routes = new RoutingBuffers(tokens, 3, Experts, false);
        router.Route(RouterLogits.Finite("confident", tokens, Experts, random.NextBits()), tokens, routes);
        float[] before = [.. routes.ExpertWeights];
        float[] factors = [.. Enumerable.Range(0, Experts).Select(_ => random.NextInt(0, 2) == 0 ? 1 : 0.5f)];

        WeightBalancer.Apply(routes, tokens, factors);

        for (int token = 0; token < tokens; token++)
        {
            double sum = 0, former = 0, penalised = 0;
            ReadOnlySpan<int> ids = routes.IndicesOf(token);
            for (int slot = 0; slot < ids.Length; slot++)
            {
                sum += routes.WeightsOf(token)[slot];
                former += before[token * 3 + slot];
                penalised += before[token * 3 + slot] * (double)factors[ids[slot]];
            }

            // Three weights are rounded once each: 2^-24 of their sum per weight.
            Assert.Equal(former, sum, former * 3 / (1 << 24));
            for (int slot = 0; slot < ids.Length; slot++)
            {
                double expected = before[token * 3 + slot] * (double)factors[ids[slot]] * former / penalised;
                Assert.Equal(expected, routes.WeightsOf(token)[slot], expected * 2 / (1 << 24));
            }
        }
    }

    [Fact]
    public void Forward_WhenWeightsArePenalised_RunsThemWithTheLayersExperts()
    {
        // Expert e multiplies by e + 1: a token's output tells which weights were run.
        using ExpertBank experts = ExpertBank.Create(
            new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = Experts, Kind = ExpertKind.Linear });
        for (int e = 0; e < Experts; e++)
        {
            float[] scaled = [.. Enumerable.Range(0, Experts * Experts).Select(i => i % (Experts + 1) == 0 ? e + 1f : 0)];
            experts.SetExpert(e, ExpertWeights.FromFloat32(default, scaled, default));
        }

        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
        using var plain = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2 });
        using var router = new DynamicRouter(
            gate, new DynamicRouterOptions { MinExperts = 2, LoadBalancing = true, BalancingMode = LoadBalancingMode.WeightPenalty, WeightPenalty = 0.5f });
        using var layer = new MoELayer(router, experts);
        float[] hidden = [3, 2.5f, 0, 0, 3, 0, 2.5f, 0, 3, 0, 0, 2.5f, 3, 2.5f, 0, 0, 3, 0, 2.5f, 0, 3, 0, 0, 2.5f];
        var routes = new RoutingBuffers(6, 2, Experts, false);
        var before = new RoutingBuffers(6, 2, Experts, false);
        var output = new float[hidden.Length];
        plain.Route(hidden, 6, before);

        for (int batch = 0; batch < 60; batch++)
        {
            layer.Forward(hidden, 6, output, routes);
        }

        // Expert 0 has half of the routes, the others a sixth each.
        Assert.Equal(before.ExpertIndices, routes.ExpertIndices);
        for (int token = 0; token < 6; token++)
        {
            double first = before.WeightsOf(token)[0];
            double expected = 0.5 * first / (0.5 * first + 1 - first);
            Assert.Equal(expected, routes.WeightsOf(token)[0], 1e-6);
            int second = routes.IndicesOf(token)[1];
            Assert.Equal(3 * (expected + (1 - expected) * (second + 1)), output[token * Experts], 1e-5);
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.51f)]
    [InlineData(float.NaN)]
    public void Constructor_WhenThePenaltyIsOutOfRange_SaysSo(float penalty) => Assert.Contains(
        "WeightPenalty",
        Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(new DynamicRouterOptions { InputDim = 2, NumExperts = 2, WeightPenalty = penalty })).Message,
        StringComparison.Ordinal);

    private static void Feed(WeightBalancer balancer, long[] routes, int batches, byte[]? mask = null)
    {
        for (int batch = 0; batch < batches; batch++)
        {
            balancer.Update(routes, mask);
        }
    }

    private static float[] Factors(WeightBalancer balancer)
    {
        var factors = new float[Experts];
        balancer.Read(factors);
        return factors;
    }
}
