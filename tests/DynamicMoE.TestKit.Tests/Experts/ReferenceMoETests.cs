using DynamicMoE.TestKit.Experts;

namespace DynamicMoE.TestKit.Tests.Experts;

public sealed class ReferenceMoETests
{
    private static ReferenceExpert Scale(float factor) =>
        new() { Kind = ReferenceExpertKind.Linear, Hidden = 2, Width = 2, Up = [factor, 0, 0, factor] };

    [Fact]
    public void Forward_WhenRoutesAreGiven_SumsWeightedExpertsAndSkipsUnusedSlots()
    {
        var layer = new ReferenceLayer { Experts = [Scale(10), Scale(100)] };

        double[] y = ReferenceMoE.Forward(layer, [1, 2, 3, 4], [[1, 0], [0, -1]], [[0.75, 0.25], [1, 0]]).Values;

        Assert.Equal([77.5, 155, 30, 40], y);
    }

    [Fact]
    public void Forward_WhenSharedExpertHasNoGate_AddsItWithWeightOne()
    {
        var layer = new ReferenceLayer { Experts = [Scale(10)], Shared = [Scale(1), Scale(2)] };

        Assert.Equal([13.0, 13], ReferenceMoE.Forward(layer, [1, 1], [[0]], [[1]]).Values);
    }

    [Fact]
    public void Forward_WhenSharedGateIsGiven_WeighsBySigmoidOfItsDot()
    {
        var layer = new ReferenceLayer { Experts = [Scale(0)], Shared = [Scale(4)], SharedGate = [MathF.Log(3), 0] };

        double[] y = ReferenceMoE.Forward(layer, [1, 2], [[0]], [[1]]).Values;

        Assert.Equal([3.0, 6], y, (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Rms_WhenRowIsThreeFour_DividesByItsRootMeanSquare()
    {
        double[] y = ReferenceNorm.Rms([3, 4], [1, 2], 0);

        Assert.Equal([3 / Math.Sqrt(12.5), 8 / Math.Sqrt(12.5)], y);
    }

    [Fact]
    public void Layer_WhenRowIsOneThree_CentresAndScales()
    {
        double[] y = ReferenceNorm.Layer([1, 3], [2, 2], [10, 20], 0);

        Assert.Equal([8.0, 22], y);
    }

    [Fact]
    public void Rms_WhenRowIsZero_EpsilonKeepsItFinite() => Assert.Equal([0.0, 0], ReferenceNorm.Rms([0, 0], [], 1e-5));
}
