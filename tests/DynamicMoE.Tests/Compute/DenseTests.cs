using System.Runtime.InteropServices;
using DynamicMoE.Compute;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Compute;

public sealed class DenseTests
{
    private readonly SeededRandom _random = new(1);

    [Theory]
    [InlineData(1, 7, 5, false)]
    [InlineData(9, 64, 33, true)]
    public void Multiply_WhateverTheShape_MatchesReference(int rows, int inputs, int outputs, bool biased)
    {
        float[] weights = _random.Gaussian(outputs * inputs);
        float[] bias = biased ? _random.Gaussian(outputs) : [];
        float[] x = _random.Gaussian(rows * inputs);
        using PackedMatrix matrix = PackedMatrix.FromFloat32(weights, outputs, inputs, bias);
        var y = new float[rows * outputs];

        matrix.Multiply(x, rows, y);

        for (int i = 0; i < y.Length; i++)
        {
            double sum = biased ? bias[i % outputs] : 0;
            double magnitude = Math.Abs(sum);
            for (int k = 0; k < inputs; k++)
            {
                double term = (double)x[i / outputs * inputs + k] * weights[i % outputs * inputs + k];
                sum += term;
                magnitude += Math.Abs(term);
            }

            Tolerance.F32Gemm(inputs, magnitude).AssertClose(sum, y[i]);
        }
    }

    [Fact]
    public void From_WhenWeightsComeInAnyType_GivesTheSameResult()
    {
        float[] exact = [.. _random.Gaussian(6 * 10).Select(Bf16.Round)];
        Half[] halves = Array.ConvertAll(exact, v => (Half)v);
        float[] x = _random.Gaussian(10);
        using PackedMatrix single = PackedMatrix.FromFloat32(exact, 6, 10);
        using PackedMatrix brain = PackedMatrix.FromBFloat16(Bf16.FromSingles(exact), 6, 10, format: WeightFormat.Float32);
        using PackedMatrix half = PackedMatrix.FromFloat16(halves, 6, 10);
        using PackedMatrix widened = PackedMatrix.FromFloat32(Array.ConvertAll(halves, h => (float)h), 6, 10);

        Assert.Equal(Run(single, x), Run(brain, x));
        Assert.Equal(Run(widened, x), Run(half, x));
        Assert.Equal(WeightFormat.Float32, brain.Format);
    }

    [Fact]
    public void From_WhenWeightsExceedTheirLargestSize_NamesBoth()
    {
        // Nobody reads past the length check: the spans need no memory behind them.
        float single = 0;
        ushort bits = 0;
        Half half = Half.Zero;

        Throws(() => PackedMatrix.FromFloat32(MemoryMarshal.CreateReadOnlySpan(in single, 536_870_912), 1 << 19, 1 << 10), "536870912", "536870911");
        Throws(() => PackedMatrix.FromBFloat16(MemoryMarshal.CreateReadOnlySpan(in bits, 1_073_741_824), 1 << 20, 1 << 10), "1073741824", "1073741823");
        Throws(() => PackedMatrix.FromFloat16(MemoryMarshal.CreateReadOnlySpan(in half, 1_073_741_824), 1 << 20, 1 << 10), "1073741824", "1073741823");

        static void Throws(Action pack, string size, string most)
        {
            string message = Assert.Throws<RoutingValidationException>(pack).Message;
            Assert.Contains(size, message, StringComparison.Ordinal);
            Assert.Contains(most, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Normalization_WhenWeightsAreGiven_MatchesReference()
    {
        const int columns = 37;
        float[] x = _random.Gaussian(3 * columns, 2);
        float[] weight = _random.Gaussian(columns);
        float[] bias = _random.Gaussian(columns);
        float[] rms = new float[x.Length], layer = new float[x.Length], inPlace = (float[])x.Clone();

        Normalization.Rms(x, 3, weight, 1e-5f, rms);
        Normalization.Layer(x, 3, weight, bias, 1e-5f, layer);
        Normalization.Rms(inPlace, 3, weight, 1e-5f, inPlace);

        for (int row = 0; row < 3; row++)
        {
            double[] values = [.. x.Skip(row * columns).Take(columns).Select(v => (double)v)];
            Tolerance.F32Norm(columns).AssertClose(ReferenceNorm.Rms(values, Widen(weight), 1e-5f), rms.AsSpan(row * columns, columns));
            Tolerance.F32Norm(columns, 10).AssertClose(
                ReferenceNorm.Layer(values, Widen(weight), Widen(bias), 1e-5f), layer.AsSpan(row * columns, columns));
        }

        Assert.Equal(RoutingOracle.Bits(rms), RoutingOracle.Bits(inPlace));
    }

    [Fact]
    public void CausalAttention_WhenKeysAreEqual_AveragesTheVisibleValues()
    {
        var options = new AttentionOptions { QueryHeads = 2, KvHeads = 1, HeadDim = 2, Scale = 1, FirstPosition = 1 };
        float[] values = [1, 10, 3, 30, 8, 80];
        var output = new float[8];
        var entropy = new float[4];

        CausalAttention.Run(in options, _random.Gaussian(8), new float[6], values, output, entropy);

        Assert.Equal([2f, 20, 2, 20, 4, 40, 4, 40], output, (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.All(entropy, e => Assert.Equal(1, e, 1e-5));
    }

    [Fact]
    public void DenseParts_WhenInputIsWrong_SayWhatIsNeeded()
    {
        PackedMatrix matrix = PackedMatrix.FromFloat32(new float[6], 2, 3);
        var memory = new float[9];
        var attention = new AttentionOptions { QueryHeads = 3, KvHeads = 2, HeadDim = 0, Scale = 0 };
        var good = new AttentionOptions { QueryHeads = 2, KvHeads = 1, HeadDim = 2, Scale = 1, FirstPosition = 4 };

        Throws<RoutingValidationException>("5 elements", () => PackedMatrix.FromFloat32(new float[5], 2, 3));
        Throws<RoutingValidationException>("bias has 3", () => PackedMatrix.FromFloat32(new float[6], 2, 3, new float[3]));
        Throws<RouterConfigurationException>("outputs (0)", () => PackedMatrix.FromFloat32(new float[6], 0, 3));
        Throws<RoutingValidationException>("overlap", () => matrix.Multiply(memory.AsSpan(0, 3), 1, memory.AsSpan(2, 2)));
        Throws<RoutingValidationException>("y has 3", () => matrix.Multiply(memory.AsSpan(0, 3), 1, new float[3]));
        Assert.Throws<ArgumentOutOfRangeException>("threads", () => matrix.Multiply(memory.AsSpan(0, 3), 1, new float[2], -1));
        Throws<RoutingValidationException>("0 tokens", () => Normalization.Rms(default, 0, default, 1, default));
        Throws<RoutingValidationException>("weight has 2", () => Normalization.Rms(memory, 1, new float[2], 1, memory));
        Throws<RoutingValidationException>("overlap in part", () => Normalization.Rms(memory.AsSpan(0, 4), 1, default, 1, memory.AsSpan(2, 4)));
        Assert.Throws<ArgumentOutOfRangeException>("epsilon", () => Normalization.Rms(memory, 1, default, float.NaN, memory));
        Throws<RouterConfigurationException>("QueryHeads (3) is not a multiple", () => CausalAttention.Run(in attention, memory, memory, memory, memory));
        Throws<RoutingValidationException>("keys has 2 elements, at least 10", () => CausalAttention.Run(in good, new float[4], new float[2], memory, new float[4]));
        matrix.Dispose();
        matrix.Dispose();
        Assert.Throws<ObjectDisposedException>(() => matrix.Multiply(new float[3], 1, new float[2]));
    }

    private static void Throws<TException>(string part, Action action)
        where TException : Exception => Assert.Contains(part, Assert.Throws<TException>(action).Message, StringComparison.Ordinal);

    private static float[] Run(PackedMatrix matrix, float[] x)
    {
        var y = new float[matrix.Outputs];
        matrix.Multiply(x, 1, y);
        return y;
    }

    private static double[] Widen(float[] values) => Array.ConvertAll(values, v => (double)v);
}
