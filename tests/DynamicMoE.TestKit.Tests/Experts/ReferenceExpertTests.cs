using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Tests.Experts;

public sealed class ReferenceExpertTests
{
    // gate = 1, up = 2, down = 3 on x = 1 in one dimension.
    [Theory]
    [InlineData(ReferenceExpertKind.SwiGlu, 3 * 0.7310585786300049 * 2)]
    [InlineData(ReferenceExpertKind.Silu, 3 * 2 * 0.8807970779778823)]
    [InlineData(ReferenceExpertKind.Gelu, 3 * 2 * 0.9772498680518208)]
    [InlineData(ReferenceExpertKind.GeluTanh, 3 * 1.954597694087775)]
    [InlineData(ReferenceExpertKind.Relu, 6)]
    [InlineData(ReferenceExpertKind.Linear, 2)]
    public void Forward_WhenOneDimensional_MatchesClosedForm(ReferenceExpertKind kind, double expected)
    {
        var expert = new ReferenceExpert { Kind = kind, Hidden = 1, Width = 1, Gate = [1], Up = [2], Down = [3] };

        Assert.Equal(expected, expert.Forward([1], ReferenceFormat.F32).Output[0], 1e-12);
    }

    [Fact]
    public void Forward_WhenBiasesAreGiven_AddsEachAtItsPlace()
    {
        var expert = new ReferenceExpert
        {
            Kind = ReferenceExpertKind.Relu,
            Hidden = 2,
            Width = 1,
            Up = [1, 1],
            Down = [1, 2],
            UpBias = [10],
            DownBias = [100, 1000],
        };

        Assert.Equal([113.0, 1026], expert.Forward([1, 2], ReferenceFormat.F32).Output);
    }

    [Fact]
    public void Forward_WhenBf16_RoundsWeightsInputAndInnerActivation()
    {
        // 1 + 2^-9 rounds to 1 in weights and input; the inner 3 * 1.0078125 = 3.0234375 rounds to 3.03125.
        const float Tiny = 1.001953125f;
        var expert = new ReferenceExpert
        {
            Kind = ReferenceExpertKind.Relu,
            Hidden = 1,
            Width = 1,
            Up = [3.0f],
            Down = [Tiny],
        };

        Assert.Equal(3.03125, expert.Forward([1.0078125], ReferenceFormat.Bf16).Output[0]);
        Assert.Equal(3.0, expert.Forward([Tiny], ReferenceFormat.Bf16).Output[0]);
    }

    [Fact]
    public void Forward_WhenQ8_RoundsWeightsInputAndInnerActivation()
    {
        // All scales of weights and input are 1. Input: 0.4 is 0. Inner: 127 * 127 and 127 * 0; its scale is 127.
        var expert = new ReferenceExpert
        {
            Kind = ReferenceExpertKind.Relu,
            Hidden = 2,
            Width = 2,
            Up = [127, 2.4f, 0, 127],
            Down = [127, 127, 127, 2.4f],
        };

        (double[] output, double[] bound) = expert.Forward([127, 0.4], ReferenceFormat.Q8);

        Assert.Equal([127.0 * 127 * 127, 127.0 * 127 * 127], output);
        Assert.All(bound, b => Assert.InRange(b, 0, 127.0 * 127));
    }

    [Theory]
    [InlineData(ReferenceExpertKind.SwiGlu)]
    [InlineData(ReferenceExpertKind.Gelu)]
    [InlineData(ReferenceExpertKind.Silu)]
    public void Forward_WhenComputedInFloat_StaysWithinTheDerivedBound(ReferenceExpertKind kind)
    {
        const int Hidden = 96, Width = 64;
        var random = new TestKit.Generators.SeededRandom(5);
        var expert = new ReferenceExpert
        {
            Kind = kind,
            Hidden = Hidden,
            Width = Width,
            Gate = random.Gaussian(Hidden * Width, 0.1),
            Up = random.Gaussian(Hidden * Width, 0.1),
            Down = random.Gaussian(Hidden * Width, 0.1),
        };
        float[] x = random.Gaussian(Hidden);

        (double[] expected, double[] bound) = expert.Forward(Array.ConvertAll(x, v => (double)v), ReferenceFormat.F32);
        float[] actual = InFloat(expert, x);

        new BoundedValues(expected, bound, "test").AssertClose(actual);
        // Not vacuous: the bound is far below the values.
        Assert.True(bound.Max() < 1e-3 * expected.Max(Math.Abs));
    }

    private static float[] InFloat(ReferenceExpert expert, float[] x)
    {
        float[] up = Multiply(expert.Up, x, expert.Width), gate = Multiply(expert.Gate!, x, expert.Width);
        var inner = new float[expert.Width];
        for (int f = 0; f < inner.Length; f++)
        {
            inner[f] = expert.Kind switch
            {
                ReferenceExpertKind.SwiGlu => gate[f] / (1 + MathF.Exp(-gate[f])) * up[f],
                ReferenceExpertKind.Silu => up[f] / (1 + MathF.Exp(-up[f])),
                _ => (float)ReferenceMath.GeluErf(up[f]),
            };
        }

        return Multiply(expert.Down!, inner, expert.Hidden);
    }

    private static float[] Multiply(float[] weights, float[] x, int rows)
    {
        var y = new float[rows];
        for (int r = 0; r < rows; r++)
        {
            for (int k = 0; k < x.Length; k++)
            {
                y[r] = MathF.FusedMultiplyAdd(weights[(r * x.Length) + k], x[k], y[r]);
            }
        }

        return y;
    }
}
