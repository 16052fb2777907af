using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>What holds for every input, whatever its values (DESIGN.md section 4).</summary>
public sealed class RoutingPropertyTests
{
    [Property(MaxTest = 60)]
    public void Route_WhateverTheInput_KeepsItsPromises(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int experts = random.NextInt(1, 20);
        int max = random.NextInt(1, experts + 1);
        int min = random.NextInt(1, max + 1);
        int tokens = random.NextInt(1, 40);
        string kind = RouterLogits.FiniteCases[random.NextInt(0, RouterLogits.FiniteCases.Count)];
        float[] hidden = RouterLogits.Finite(kind, tokens, experts, random.NextBits());
        using GateWeights gate = Gates.Identity(experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            MinExperts = min, MaxExperts = max, Strategy = (RoutingStrategy)random.NextInt(0, 3), ComplexityEstimator = ComplexityEstimators.RouterEntropy,
        });
        var buffers = new RoutingBuffers(tokens, max + random.NextInt(0, 3), experts, false);

        router.Route(hidden, tokens, buffers);

        for (int token = 0; token < tokens; token++)
        {
            int[] ids = buffers.IndicesOf(token).ToArray();
            Assert.InRange(ids.Length, min, max);
            Assert.Equal(ids.Length, ids.Distinct().Count());
            Assert.All(ids, id => Assert.InRange(id, 0, experts - 1));
            RoutingOracle.AssertUnusedSlots(buffers, token);
            Assert.InRange(buffers.ComplexityScores[token], 0, 1);
            Assert.Equal(1, buffers.WeightsOf(token).ToArray().Sum(w => (double)w), 1e-5);
            for (int i = 1; i < ids.Length; i++)
            {
                // Falling preference; of equals the lower id.
                float before = hidden[token * experts + ids[i - 1]];
                float here = hidden[token * experts + ids[i]];
                Assert.True(before > here || (before == here && ids[i - 1] < ids[i]));
            }
        }
    }

    [Property(MaxTest = 30)]
    public void Route_WhenExpertsArePermuted_PermutesTheIds(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        const int experts = 9;
        const int tokens = 11;
        float[] logits = random.Gaussian(tokens * experts);
        int[] order = [.. Enumerable.Range(0, experts).OrderBy(_ => random.NextBits())];
        var permuted = new float[logits.Length];
        for (int i = 0; i < logits.Length; i++)
        {
            permuted[i / experts * experts + order[i % experts]] = logits[i];
        }

        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = 4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
        var plain = new RoutingBuffers(tokens, 4, experts, false);
        var moved = new RoutingBuffers(tokens, 4, experts, false);

        router.Route(logits, tokens, plain);
        router.Route(permuted, tokens, moved);

        Assert.Equal(plain.ExpertIndices.Select(id => id < 0 ? id : order[id]), moved.ExpertIndices);
        Assert.Equal(RoutingOracle.Bits(plain.ExpertWeights), RoutingOracle.Bits(moved.ExpertWeights));
    }

    [Property(MaxTest = 25)]
    public void Route_WhateverTheBatch_GivesATokenTheSameBits(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int dim = random.NextInt(1, 70);
        int experts = random.NextInt(2, 33);
        using GateWeights gate = GateWeights.CreateRandom(
            new GateOptions { InputDim = dim, NumExperts = experts, TrainedExperts = 2, MaxTokens = random.NextInt(1, 64) }, random.NextBits());
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
        float[] hidden = random.Gaussian(100 * dim);
        var whole = new RoutingBuffers(100, 2, experts, false);
        var part = new RoutingBuffers(100, 2, experts, false);

        router.Route(hidden, 100, whole);
        foreach (int tokens in new[] { 1, 2, 3, 7, 64 })
        {
            int first = random.NextInt(0, 100 - tokens + 1);
            router.Route(hidden.AsSpan(first * dim, tokens * dim), tokens, part);
            for (int token = 0; token < tokens; token++)
            {
                RoutingOracle.AssertSameRow(whole, first + token, part, token);
            }
        }
    }

    [Fact]
    public void Route_WhateverTheThreadCount_GivesTheSameBits()
    {
        float[] hidden = new SeededRandom(2).Gaussian(300 * 64);
        RoutingBuffers? first = null;
        foreach (int threads in new[] { 1, 2, 3, 4 })
        {
            using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = 64, NumExperts = 16, TrainedExperts = 2, Threads = threads }, 1);
            using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
            var buffers = new RoutingBuffers(300, 2, 16, false);
            router.Route(hidden, 300, buffers);
            first ??= buffers;
            Assert.Equal(first.ExpertIndices, buffers.ExpertIndices);
            Assert.Equal(RoutingOracle.Bits(first.ExpertWeights), RoutingOracle.Bits(buffers.ExpertWeights));
        }
    }

    [Fact]
    public void Route_WhenNoiseFactorIsZero_IgnoresTheSeed()
    {
        float[] hidden = RouterLogits.Finite("gaussian", 50, 8);
        using GateWeights gate = Gates.Identity(8, o => o.TrainedExperts = 2);
        using var one = new DynamicRouter(gate, new DynamicRouterOptions { Seed = 1 });
        using var two = new DynamicRouter(gate, new DynamicRouterOptions { Seed = 2 });
        using var noisy = new DynamicRouter(gate, new DynamicRouterOptions { Seed = 2, NoiseFactor = 1 });
        RoutingBuffers[] results = [new(50, 2, 8, false), new(50, 2, 8, false), new(50, 2, 8, false)];

        one.Route(hidden, 50, results[0]);
        two.Route(hidden, 50, results[1]);
        noisy.Route(hidden, 50, results[2]);

        Assert.Equal(results[0].ExpertIndices, results[1].ExpertIndices);
        Assert.NotEqual(results[0].ExpertIndices, results[2].ExpertIndices);
    }

    [Fact]
    public void Route_WhenScoreRises_NeverTakesFewerExperts()
    {
        using GateWeights gate = Gates.Identity(8);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 6 });
        float[] scores = [.. Enumerable.Range(0, 101).Select(i => i / 100f)];
        float[] hidden = RouterLogits.Finite("gaussian", 101, 8);
        var buffers = new RoutingBuffers(101, 6, 8, false);

        router.Route(hidden, 101, buffers, new RoutingContext { ComplexityScores = scores });

        Assert.Equal(buffers.ExpertsPerToken.Order(), buffers.ExpertsPerToken);
        Assert.Equal((1, 6), (buffers.ExpertsPerToken[0], buffers.ExpertsPerToken[100]));
        Assert.Equal(scores, buffers.ComplexityScores);
    }
}
