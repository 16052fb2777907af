using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.TestKit.Numerics;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class WeightMatrixTests
{
    // The last block of a row is a part of one.
    private const int Rows = 40, Columns = 70;

    [Theory]
    [InlineData("f32")]
    [InlineData("bf16")]
    [InlineData("q8")]
    [InlineData("q4")]
    public void Fill_WhenAsked_HasTheDeviationAndRepeats(string format)
    {
        WeightMatrix one = Filled(format, 5), same = Filled(format, 5), other = Filled(format, 6);

        double mean = one.Values.Average(value => (double)value * value);
        // 2800 uniform numbers: their mean square has a deviation of 2 %. A sixteenth of the 4-bit numbers is the largest by rule, not by chance.
        Assert.InRange(Math.Sqrt(mean) / 0.1, 0.9, 1.1);
        Assert.Equal(one.Values, same.Values);
        Assert.NotEqual(one.Values, other.Values);
        Assert.NotEqual(one.Values[..Columns], one.Values[Columns..(2 * Columns)]);
    }

    [Fact]
    public void Fill_WhenBfloat16_DrawsNumbersThatTheFormatHolds() =>
        Assert.All(Filled("bf16", 5).Values, value => Assert.Equal(Bf16.Round(value), value));

    [Theory]
    [InlineData("q8", -127, 127)]
    [InlineData("q4", -8, 7)]
    public void Fill_WhenQuantised_DrawsIntegersUnderAFloat16Scale(string format, int lowest, int highest)
    {
        WeightMatrix matrix = Filled(format, 5);

        Assert.Equal(3, matrix.Blocks);
        Assert.All(matrix.Scales, scale => Assert.Equal((float)(Half)scale, scale));
        for (int i = 0; i < matrix.Values.Length; i++)
        {
            int row = i / Columns, block = i % Columns / 32;
            Assert.InRange(matrix.Integers[i], lowest, highest);
            Assert.Equal(matrix.Integers[i] * matrix.Scales[(row * 3) + block], matrix.Values[i]);
        }

        Assert.Contains((sbyte)highest, matrix.Integers);
    }

    [Theory]
    [InlineData("q8", -127)]
    [InlineData("q4", -8)]
    public void Fill_WhenQuantised_MarksTheScaleOfEachBlockByItsLargestValue(string format, int lowest)
    {
        WeightMatrix matrix = Filled(format, 5);
        for (int row = 0; row < Rows; row++)
        {
            for (int start = 0; start < Columns; start += 32)
            {
                Assert.Equal(lowest, matrix.Integers[(row * Columns) + start]);
            }
        }
    }

    private static WeightMatrix Filled(string format, ulong seed)
    {
        var matrix = new WeightMatrix(Rows, Columns, LayerFormats.Named(format));
        matrix.Fill(seed, 0.1);
        return matrix;
    }
}
