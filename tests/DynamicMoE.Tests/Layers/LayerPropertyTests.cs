using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>DESIGN.md 4.10: a token's output does not depend on its neighbours or on the thread count.</summary>
public sealed class LayerPropertyTests
{
    [Theory]
    [InlineData(WeightFormat.Float32)]
    [InlineData(WeightFormat.BFloat16)]
    public void Forward_WhateverTheBatch_GivesATokenTheSameBits(WeightFormat format)
    {
        const int dim = 40;
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = dim, Width = 56, Format = format });
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = dim, NumExperts = 8, TrainedExperts = 2 }, 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, Tau = 0.8f });
        using var layer = new MoELayer(router, experts.Bank);
        var random = new SeededRandom(3);
        float[] hidden = random.Gaussian(512 * dim);
        var whole = new float[hidden.Length];
        layer.Forward(hidden, 512, whole);

        foreach (int tokens in new[] { 1, 2, 3, 7, 64 })
        {
            for (int trial = 0; trial < 5; trial++)
            {
                int first = random.NextInt(0, 512 - tokens);
                var part = new float[tokens * dim];
                layer.Forward(hidden.AsSpan(first * dim, part.Length), tokens, part);
                Assert.Equal(RoutingOracle.Bits(whole.AsSpan(first * dim, part.Length)), RoutingOracle.Bits(part));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    public void Forward_WhateverTheThreadCount_GivesTheSameBits(int tokens)
    {
        const int dim = 64;
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = dim, Width = 96 });
        using DynamicRouter router = new(new DynamicRouterOptions
        {
            InputDim = dim, NumExperts = 8, MaxExperts = 2, LoadBalancing = false, ComplexityEstimator = ComplexityEstimators.RouterMargin,
        });
        float[] hidden = new SeededRandom(4).Gaussian(tokens * dim);
        int[]? first = null;
        foreach (int threads in new[] { 1, 2, 3, 4 })
        {
            using var layer = new MoELayer(router, experts.Bank, new MoELayerOptions { Threads = threads });
            var output = new float[hidden.Length];
            layer.Forward(hidden, tokens, output);
            first ??= RoutingOracle.Bits(output);
            Assert.Equal(first, RoutingOracle.Bits(output));
        }
    }

    [Property(MaxTest = 20)]
    public void Forward_WhenWeightsSumToOneAndExpertsAreIdentity_ReturnsTheInput(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int dim = random.NextInt(1, 30);
        int tokens = random.NextInt(1, 20);
        var identity = new float[dim * dim];
        for (int i = 0; i < dim; i++)
        {
            identity[i * dim + i] = 1;
        }

        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 4, Hidden = dim, Width = dim, Kind = ExpertKind.Linear });
        for (int expert = 0; expert < 4; expert++)
        {
            bank.SetExpert(expert, ExpertWeights.FromFloat32(default, identity, default));
        }

        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = dim, NumExperts = 4, Seed = random.NextBits() });
        using var layer = new MoELayer(router, bank);
        float[] hidden = random.Gaussian(tokens * dim);
        var output = new float[hidden.Length];

        layer.Forward(hidden, tokens, output);

        // Four products and sums, and weights that sum to 1 within a few ulp.
        Assert.All(hidden.Zip(output), pair => Assert.Equal(pair.First, pair.Second, 4e-6 * Math.Max(1, Math.Abs(pair.First))));
    }
}
