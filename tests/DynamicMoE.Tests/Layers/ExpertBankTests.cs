using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class ExpertBankTests
{
    private const int Dim = 8;
    private const int Width = 12;

    [Fact]
    public void SetExpert_WhenWeightsComeInAnyType_GivesTheSameResult()
    {
        float[] exact = [.. new SeededRandom(1).Gaussian(Dim * Width).Select(Bf16.Round)];
        ushort[] bits = Bf16.FromSingles(exact);

        float[] single = Run(bank => bank.SetExpert(0, ExpertWeights.FromFloat32(exact, exact, exact)));
        float[] brain = Run(bank => bank.SetExpert(0, ExpertWeights.FromBFloat16(bits, bits, bits)));
        Half[] halves = Array.ConvertAll(exact, v => (Half)v);
        float[] widened = Array.ConvertAll(halves, h => (float)h);
        float[] half = Run(bank => bank.SetExpert(0, ExpertWeights.FromFloat16(halves, halves, halves)));
        float[] halfExpected = Run(bank => bank.SetExpert(0, ExpertWeights.FromFloat32(widened, widened, widened)));

        Assert.Equal(RoutingOracle.Bits(single), RoutingOracle.Bits(brain));
        Assert.Equal(RoutingOracle.Bits(halfExpected), RoutingOracle.Bits(half));
    }

    [Fact]
    public void BytesPerExpert_WhenFormatIsBf16_IsHalfOfFloat32()
    {
        using ExpertBank single = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 1, Hidden = 64, Width = 128 });
        using ExpertBank brain = ExpertBank.CreateRandom(
            new ExpertBankOptions { NumExperts = 1, Hidden = 64, Width = 128, Format = WeightFormat.BFloat16 });

        Assert.InRange(single.BytesPerExpert, 3 * 64 * 128 * 4, 3 * 64 * 128 * 5);
        Assert.InRange(brain.BytesPerExpert, 3 * 64 * 128 * 2, 3 * 64 * 128 * 3);
    }

    [Theory]
    [InlineData(ExpertKind.SwiGlu, 3)]
    [InlineData(ExpertKind.Relu, 2)]
    [InlineData(ExpertKind.Linear, 1)]
    public void FlopsPerToken_WhateverTheKind_IsTwoPerWeight(ExpertKind kind, int matrices)
    {
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 1, Hidden = Dim, Width = Dim, Kind = kind });

        Assert.Equal(2 * matrices * Dim * Dim, bank.FlopsPerToken);
    }

    [Fact]
    public void GetPerformanceSummary_WhenHalfTheExpertsRun_MatchesHandComputation()
    {
        using GateWeights gate = Gates.Identity(Dim, o => o.TrainedExperts = 4);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = Dim, Hidden = Dim, Width = Width });
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2 });
        using var layer = new MoELayer(router, bank);
        Assert.Equal((0, 0.0), (layer.GetPerformanceSummary().TotalForwardCalls, layer.GetPerformanceSummary().ComputationalEfficiency));
        float[] hidden = RouterLogits.Finite("gaussian", 10, Dim);

        layer.Forward(hidden, 10, new float[hidden.Length]);
        layer.Forward(hidden, 10, new float[hidden.Length]);

        PerformanceSummary summary = layer.GetPerformanceSummary();
        double expert = 6.0 * Dim * Width;
        double gateFlops = 2.0 * Dim * Dim;
        Assert.Equal((2, 20, 40), (summary.TotalForwardCalls, summary.TotalTokens, summary.TotalExpertCalls));
        Assert.Equal(2, summary.MeanExpertsPerToken);
        Assert.Equal(1 - (gateFlops + 2 * expert) / (gateFlops + 4 * expert), summary.ComputationalEfficiency, 12);
        Assert.Equal(summary.RouterStats.AvgUsagePerExpert.Count(share => share > 0), summary.AvgExpertsPerForward);
        Assert.Equal(1, summary.RouterStats.AvgUsagePerExpert.Sum(), 12);
    }

    private static float[] Run(Action<ExpertBank> fill)
    {
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 1, Hidden = Dim, Width = Width });
        fill(bank);
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = 1 });
        using var layer = new MoELayer(router, bank);
        var output = new float[3 * Dim];
        layer.Forward(new SeededRandom(2).Gaussian(3 * Dim), 3, output);
        return output;
    }
}
