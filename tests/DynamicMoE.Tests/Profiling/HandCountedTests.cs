using System.Numerics.Tensors;
using DynamicMoE.Tests.Support;
using C = DynamicMoE.ProfileComponents;

namespace DynamicMoE.Tests.Profiling;

/// <summary>Operations and bytes of small layers, counted by hand.</summary>
public class HandCountedTests
{
    private const WeightFormat F32 = WeightFormat.Float32;

    // Logits of three tokens at an identity gate of 4 experts: two experts each are {0, 1}, {1, 2} and {0, 1}.
    private static readonly float[] ThreeTokens = [3, 2, 1, 0, 0, 3, 2, 1, 3, 2, 0, 1];

    [Fact]
    public void Layer_WhenStaticTopTwo_MatchesHandCount()
    {
        using GateWeights gate = Gates.Identity(4, options => options.TrainedExperts = 3);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 8 });
        using var router = new DynamicRouter(gate, Fixed(2));
        using var layer = new MoELayer(router, bank);

        FlopProfile profile = new FlopProfiler(Options(2)).ProfileLayer(layer, Batch(ThreeTokens, 4), name: "hand");

        Assert.Equal(("hand", "layer", 3, 6, 3, 2.0), (profile.Name, profile.Kind, profile.Tokens, profile.Routes, profile.DistinctExperts, profile.MeanExpertsPerToken));
        Assert.Equal(
            [
                // 3 tokens: one difference and one exponential. Reads 4 logits, writes a score.
                new(C.Estimator, F32, 0, 6, 0, 4 * 15),

                // 2 * 3 * 4 * 4 in products; softmax: difference, exponential, sum. One panel of 32 experts with 4 weights.
                new(C.Gate, F32, 96, 36, 32 * 4 * 4, 4 * 24),

                // 6 routes: sum, quotient, factor. Reads 12 probabilities, writes 6 ids and 6 weights.
                new(C.Selection, F32, 0, 18, 0, 4 * 24),

                // 6 routes: three matrices of 4 x 8; sigmoid (3), times gate, times up, for each of 8 columns. Three experts: one panel of 32 columns
                // with 4 weights (16 gate and 16 up columns), one with 8. Reads and writes 6 rows.
                new(C.Experts, F32, 6 * 2 * 3 * 32, 6 * 5 * 8, 3 * (32 * 4 * 4 + 32 * 8 * 4), 4 * 48),

                // Per token a product, then a product and a sum. Reads 6 rows, writes 3.
                new(C.Combine, F32, 0, 4 * 3 * 3, 0, 4 * 36),
            ],
            profile.Components);
        Assert.Equal(
            [new(0, 2, 384, 80, 1536), new(1, 3, 576, 120, 1536), new(2, 1, 192, 40, 1536)],
            profile.Experts);
        Assert.Equal((96 + 1152, 6 + 36 + 18 + 240 + 36, 512 + 4608), (profile.ProductFlops, profile.OtherFlops, profile.WeightBytes));

        // The model was trained with three experts per token.
        Assert.Equal(96 + 3 * 3 * 192, profile.StaticProductFlops);
        Assert.Equal(1 - 1248.0 / 1824, profile.FlopsSaving!.Value, 12);
    }

    [Fact]
    public void Layer_WhenItHasEverything_MatchesHandCount()
    {
        // Sigmoid gate with bias and noise, raw weights, tanh GELU experts with bias in q8, shared experts with a gate.
        var weights = new float[4 * 4];
        for (int i = 0; i < 4; i++)
        {
            weights[i * 5] = 1;
        }

        using GateWeights gate = GateWeights.Create(
            weights, [0, 0, 0, 0], new GateOptions { InputDim = 4, NumExperts = 4, TrainedExperts = 2, Gate = GateFunction.Sigmoid });
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions
        {
            NumExperts = 4, Hidden = 4, Width = 40, Kind = ExpertKind.GeluTanh, Format = WeightFormat.Q8, UseBias = true,
        });
        using ExpertBank shared = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 2, Hidden = 4, Width = 4, Kind = ExpertKind.Silu });
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            Strategy = RoutingStrategy.Threshold, MinExperts = 1, MaxExperts = 2, Tau = 0, Weighting = Weighting.Raw, NoiseFactor = 1e-6f,
        });
        using var layer = new MoELayer(router, bank, new MoELayerOptions { SharedExperts = shared, SharedExpertGate = [1, 0, 0, 0] });

        FlopProfile profile = new FlopProfiler(Options(1)).ProfileLayer(layer, Batch(ThreeTokens, 4));

        Assert.Equal(6, profile.Routes);
        Assert.Equal(
            [
                // Two sigmoids and a quotient.
                new(C.Estimator, F32, 0, 3 * 7, 0, 4 * 15),

                // Bias 1, noise 3, sigmoid and sum 4, for each logit; a panel of weights and one of biases.
                new(C.Gate, F32, 96, 12 * 8, 32 * 4 * 4 + 32 * 4, 4 * 24),

                // The sigmoid times the factor.
                new(C.Selection, F32, 0, 6, 0, 4 * 24),

                // Two matrices of 4 x 40; GELU by tanh 9 per column, biases 40 + 4. Kept: two up panels of one block of 32 and one down panel of two,
                // 32 columns of 32 bytes and a float16 scale per block; biases of three panels.
                new(C.Experts, WeightFormat.Q8, 6 * 2 * 2 * 160, 6 * (9 * 40 + 44), 3 * bank.BytesPerExpert, 4 * 48),

                // Two shared experts on 3 tokens: two matrices of 4 x 4, SiLU 4 per column; a panel of 32 x 4 floats each.
                new(C.SharedExperts, F32, 3 * 2 * 2 * 2 * 16, 3 * 2 * 4 * 4, 2 * 2 * 32 * 4 * 4, 4 * 2 * 3 * 2 * 4),

                // A dot product and a sigmoid.
                new(C.SharedExperts, F32, 3 * 8, 3 * 3, 4 * 4, 4 * 15),

                // Four outputs per token.
                new(C.Combine, F32, 0, 4 * 3 * 7, 0, 4 * 4 * 15),
            ],
            profile.Components);
        Assert.Equal((2 * 32 * (32 + 2)) + (32 * 2 * (32 + 2)) + (3 * 32 * 4), bank.BytesPerExpert);
        Assert.Equal(0, profile.FlopsSaving!.Value, 12);
    }

    [Fact]
    public void Layer_WhenItNormalises_CountsNormAndResidual()
    {
        using GateWeights gate = Gates.Identity(4);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 4, Kind = ExpertKind.Linear });
        using var router = new DynamicRouter(gate, Fixed(1));
        using var layer = new LayerNormMoE(router, bank, new LayerNormMoEOptions { LayerNormWeight = [1, 1, 1, 1] });

        FlopProfile profile = new FlopProfiler(Options(1)).ProfileLayer(layer, Batch(ThreeTokens, 4));

        // Per element: sum; difference, square and sum; difference, quotient, weight; residual. Per token: two means, epsilon, root.
        Assert.Equal(new ComponentCost(C.Normalization, F32, 0, 3 * (8 * 4 + 4), 16, 4 * 5 * 12), profile.Components[0]);
        Assert.Equal(new ComponentCost(C.Experts, F32, 3 * 2 * 16, 0, profile.DistinctExperts * 32L * 4 * 4, 4 * 24), profile.Components[4]);
        Assert.Equal(new ComponentCost(C.Combine, F32, 0, 12, 0, 4 * 24), profile.Components[5]);
    }

    [Fact]
    public void Layer_WhenOptionsOfANormGoToAPlainLayer_CountsNone()
    {
        using GateWeights gate = Gates.Identity(4);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 4, Kind = ExpertKind.Linear });
        using var router = new DynamicRouter(gate, Fixed(1));
        using var layer = new MoELayer(router, bank, new LayerNormMoEOptions());

        FlopProfile profile = new FlopProfiler(Options(1)).ProfileLayer(layer, Batch(ThreeTokens, 4));

        Assert.DoesNotContain(profile.Components, cost => cost.Component == C.Normalization);
    }

    [Fact]
    public void Layer_WhenACapacityDropsEveryRouteOfATokens_AddsUpWhatIsLeft()
    {
        // All three tokens want expert 0 alone; one route fits.
        using GateWeights gate = Gates.Identity(4);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 4, Kind = ExpertKind.Relu });
        using var router = new DynamicRouter(gate, Fixed(1));
        using var layer = new SparseMoELayer(router, bank, new SparseMoELayerOptions { CapacityFactor = 1 });

        FlopProfile profile = new FlopProfiler(Options(1)).ProfileLayer(layer, Batch([3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0], 4));

        Assert.Equal((1, 1), (profile.Routes, profile.DistinctExperts));
        Assert.Equal(new ComponentCost(C.Combine, F32, 0, 4, 0, 4 * 4 * 4), profile.Components[^1]);
        Assert.Equal([new ExpertCost(0, 1, 64, 0, 2 * 32 * 4 * 4)], profile.Experts);
    }

    [Theory]
    [InlineData(Weighting.Renormalize, GateFunction.Softmax, 3 * 6)]
    [InlineData(Weighting.TrainedScale, GateFunction.Softmax, 3 * 3 + 2 * 6)]
    [InlineData(Weighting.Raw, GateFunction.Softmax, 2 * 6)]
    [InlineData(Weighting.Raw, GateFunction.Sigmoid, 6)]
    public void Selection_WhateverTheWeighting_CountsItsFormula(Weighting weighting, GateFunction function, long operations)
    {
        using GateWeights gate = Gates.Identity(4, options => (options.TrainedExperts, options.Gate) = (3, function));
        DynamicRouterOptions options = Fixed(2);
        options.Weighting = weighting;
        using var router = new DynamicRouter(gate, options);

        FlopProfile profile = new FlopProfiler(Options(1)).ProfileRouting(router, Batch(ThreeTokens, 4));

        Assert.Equal(("routing", "routing", 6), (profile.Name, profile.Kind, profile.Routes));
        Assert.Equal([C.Estimator, C.Gate, C.Selection], profile.Components.Select(cost => cost.Component));
        Assert.Equal(operations, profile.Components[2].OtherFlops);
        Assert.Empty(profile.Experts);
        Assert.Null(profile.FlopsSaving);
    }

    [Theory]
    [InlineData(ExpertKind.SwiGlu, false, 3, 5 * 6)]
    [InlineData(ExpertKind.SwiGlu, true, 3, 5 * 6 + 12 + 4)]
    [InlineData(ExpertKind.Gelu, false, 2, 5 * 6)]
    [InlineData(ExpertKind.GeluTanh, true, 2, 9 * 6 + 6 + 4)]
    [InlineData(ExpertKind.Relu, true, 2, 6 + 4)]
    [InlineData(ExpertKind.Silu, false, 2, 4 * 6)]
    public void Experts_WhateverTheKind_CountTheirFormula(ExpertKind kind, bool bias, int matrices, long other)
    {
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 2, Hidden = 4, Width = 6, Kind = kind, UseBias = bias });

        ExpertCost cost = Assert.Single(ExpertCosts.ById(bank, [0, 5]));

        Assert.Equal((1, 5, 5 * 2 * matrices * 24, 5 * other), (cost.Expert, cost.Routes, cost.ProductFlops, cost.OtherFlops));
    }

    [Fact]
    public void Experts_WhenLinearWithBias_CountTheBias()
    {
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 1, Hidden = 4, Width = 4, Kind = ExpertKind.Linear, UseBias = true });

        Assert.Equal(4, ExpertCosts.OtherFlopsPerToken(bank));
    }

    [Fact]
    public void Products_WhateverTheBatch_AgreeWithTheLayersOwnEfficiency()
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = 16, NumExperts = 8, TrainedExperts = 4 }, seed: 3);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 8, Hidden = 16, Width = 8 });
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, Tau = 0.6f });
        using var layer = new MoELayer(router, bank);
        var hidden = new float[50 * 16];
        new RandomSource(9).FillUniform(hidden, 3);

        FlopProfile profile = new FlopProfiler(Options(1)).ProfileLayer(layer, Batch(hidden, 16));

        Assert.InRange(profile.MeanExpertsPerToken, 1.01, 3.99);
        Assert.Equal(layer.GetPerformanceSummary().ComputationalEfficiency, profile.FlopsSaving!.Value, 12);
    }

    private static DynamicRouterOptions Fixed(int experts) =>
        new() { MinExperts = experts, MaxExperts = experts, ComplexityEstimator = ComplexityEstimators.RouterMargin };

    private static FlopProfilerOptions Options(int repetitions) => new() { Repetitions = repetitions, WarmupRuns = 0, TimeProvider = new ScriptedClock(1) };

    private static Tensor<float> Batch(float[] rows, int columns) => Tensor.Create(rows, [rows.Length / columns, columns]);
}
