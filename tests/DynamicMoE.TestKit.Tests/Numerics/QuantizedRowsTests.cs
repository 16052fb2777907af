using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Tests.Numerics;

public sealed class QuantizedRowsTests
{
    [Fact]
    public void Weights_WhenQ8_AreIntegersTimesAHalfScale()
    {
        // Scale 1 in the first row; in the second 0.1 / 127 rounded to binary16, 1651 * 2^-21.
        double[] stored = QuantizedRows.Weights([127, 2.5f, -3.5f, 0, 0.1f, -0.1f, 0, 0], columns: 4, ReferenceFormat.Q8);

        Assert.Equal([127, 2, -4, 0, 127 * 1651 / 2097152.0, -127 * 1651 / 2097152.0, 0, 0], stored);
    }

    [Fact]
    public void Weights_WhenQ4_TakeTheScaleThatErrsLeast()
    {
        // Scale 1 holds both rows, the other scales hold neither.
        Assert.Equal([-7, 3, 1], QuantizedRows.Weights([-7, 3, 1], columns: 3, ReferenceFormat.Q4));
        Assert.Equal([-8, 3, 7], QuantizedRows.Weights([-8, 3, 7], columns: 3, ReferenceFormat.Q4));
    }

    [Theory]
    [InlineData(ReferenceFormat.Q8, 0.5 + 1.0 / 32768, 1.0 / (1 << 18))]
    [InlineData(ReferenceFormat.Q4, 1 + 1.0 / 256, 1.0 / (1 << 22))]
    public void Weights_WhateverTheyAre_ErrByAShareOfTheScale(ReferenceFormat format, double share, double least)
    {
        const int Columns = 70;
        float[] matrix = new SeededRandom(4).Gaussian(20 * Columns);
        double[] stored = QuantizedRows.Weights(matrix, Columns, format);

        for (int i = 0; i < matrix.Length; i++)
        {
            int block = i - (i % Columns % QuantizedRows.Block);
            int end = Math.Min(block + QuantizedRows.Block, i - (i % Columns) + Columns);
            double scale = matrix[block..end].Max(MathF.Abs) / (format == ReferenceFormat.Q8 ? 127 : 7) * (1 + 1e-3);
            Assert.InRange(Math.Abs(stored[i] - matrix[i]), 0, (share * scale) + least);
        }
    }

    [Fact]
    public void Activations_WhenExact_RoundToTheNearestEvenInteger()
    {
        double[] row = new double[34];
        (row[0], row[1], row[31], row[32], row[33]) = (-127, 2.5, 1.5, 254, 3);

        double[] stored = QuantizedRows.Activations(row);

        Assert.Equal((-127, 2, 2), (stored[0], stored[1], stored[31]));

        // 254 and 3 are a block of their own with scale 2; 1.5 is 2.
        Assert.Equal((254, 4), (stored[32], stored[33]));
        Assert.Equal(new double[3], QuantizedRows.Activations([1e-37, 0, -1e-37]));
    }

    // What a computation stores that knows the values within a bound lies within the new bound.
    [Fact]
    public void Activations_WhenKnownWithinABound_HoldWhatIsStored()
    {
        var random = new SeededRandom(6);
        for (int round = 0; round < 200; round++)
        {
            double relative = round % 4 == 0 ? 0.4 : Math.Pow(10, -2 - (round % 5));
            double[] exact = Array.ConvertAll(random.Gaussian(45), x => (double)x);
            double[] errors = Array.ConvertAll(exact, x => relative * Math.Abs(x));
            double[] known = [.. exact.Zip(errors, (x, e) => (double)(float)(x + (((2 * random.NextDouble()) - 1) * e)))];
            double[] bounds = [.. errors.Zip(exact, (e, x) => e + (Tolerance.U * Math.Abs(x) * 2))];

            double[] expected = QuantizedRows.Activations(exact, bounds);

            double[] actual = QuantizedRows.Activations(known);
            for (int i = 0; i < actual.Length; i++)
            {
                Assert.InRange(Math.Abs(actual[i] - expected[i]), 0, bounds[i]);
            }
        }
    }

    // With an error of one float rounding nearly all of the bounds are far below a step.
    [Fact]
    public void Activations_WhenKnownWell_HaveBoundsBelowAStep()
    {
        double[] exact = Array.ConvertAll(new SeededRandom(7).Gaussian(320), x => (double)x);
        double[] bounds = Array.ConvertAll(exact, x => 4 * Tolerance.U * Math.Abs(x));

        _ = QuantizedRows.Activations(exact, bounds);

        double step = exact.Max(Math.Abs) / 127;
        Assert.InRange(bounds.Count(bound => bound > step / 100), 0, 3);
    }
}
