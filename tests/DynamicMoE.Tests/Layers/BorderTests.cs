using DynamicMoE.Bindings;
using DynamicMoE.Native;
using DynamicMoE.TestKit.Memory;

namespace DynamicMoE.Tests.Layers;

/// <summary>The call that benchmarks use to measure the way to the native core and back.</summary>
public sealed class BorderTests
{
    private const int Dim = 16;

    [Fact]
    public void Noop_WhenArgumentsFit_WritesNothingAndAllocatesNothing()
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = 4, TrainedExperts = 2 }, seed: 1);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = Dim, Width = 8 }, seed: 2);
        using LayerHandle layer = LayerCalls.Create(1, 0, gate.Handle, bank.Handle, null, default);
        var buffers = new RoutingBuffers(1, 2, 4, withLogits: true);
        var hidden = new float[Dim];
        float[] output = Enumerable.Repeat(5f, Dim).ToArray();
        RoutingReport report = default;
        Assert.Equal(0, AllocatedBytes.Least(
            () => report = LayerCalls.Noop(layer, hidden, 1, Dim, new RouteParams { MinExperts = 2, MaxExperts = 2, TopP = 1 }, null, buffers, output)));
        Assert.Equal(0, report.Tokens);
        Assert.All(output, value => Assert.Equal(5f, value));
    }

    [Fact]
    public void Noop_WhenAShapeDoesNotFit_IsRefused()
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = 4, TrainedExperts = 2 }, seed: 1);
        using ExpertBank bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = Dim, Width = 8 }, seed: 2);
        using LayerHandle layer = LayerCalls.Create(1, 0, gate.Handle, bank.Handle, null, default);
        var buffers = new RoutingBuffers(1, 2, 4, withLogits: false);

        Assert.Throws<RoutingValidationException>(() =>
        {
            var parameters = new RouteParams { MinExperts = 2, MaxExperts = 2, TopP = 1 };
            LayerCalls.Noop(layer, new float[Dim], 1, 0, in parameters, null, buffers, new float[Dim]);
        });
    }
}
