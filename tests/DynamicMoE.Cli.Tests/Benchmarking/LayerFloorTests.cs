using DynamicMoE.Cli.Benchmarking;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class LayerFloorTests
{
    // 1000 GFLOP/s in float32, twice and four times that in the others; 10 GB/s.
    private static readonly LayerLimits Limits = new(1, 1e12, 2e12, 4e12, 1e10);

    private static readonly LayerShape Shape = new("t", 64, 96, 8, 2);

    [Theory]
    [InlineData("f32", 4 * 18432)]
    [InlineData("bf16", 2 * 18432)]
    // One float16 scale for each 32 weights: 576 of them.
    [InlineData("q8", 18432 + (2 * 576))]
    [InlineData("q4", (18432 / 2) + (2 * 576))]
    public void ExpertBytes_WhenBlocksAreFull_CountsWeightsAndScales(string format, long expected) =>
        Assert.Equal(expected, LayerFormats.ExpertBytes(Shape, LayerFormats.Named(format)));

    [Fact]
    public void ExpertBytes_WhenARowEndsInAPartOfABlock_CountsItsScale()
    {
        // Rows of 33 weights have two blocks, rows of one weight have one: 2 * 1 * 2 + 33 * 1 scales.
        Assert.Equal((3 * 33) + (2 * 37), LayerFormats.ExpertBytes(new LayerShape("t", 33, 1, 8, 2), WeightFormat.Q8));
    }

    [Fact]
    public void Of_WhenFewTokensReadManyBytes_IsBoundByBytes()
    {
        LayerFloor floor = LayerFloor.Of(Shape, WeightFormat.Float32, 1, 2, l3Bytes: 0, Limits);

        Assert.Equal("bytes", floor.Binds);
        Assert.Equal(2 * 4 * 18432 / 1e10, floor.Seconds, 1e-15);
        Assert.Equal(2 * 2 * 18432 / 1e12, floor.FlopsSeconds, 1e-15);
    }

    [Theory]
    [InlineData("f32", 1e12)]
    [InlineData("bf16", 2e12)]
    [InlineData("q8", 4e12)]
    [InlineData("q4", 4e12)]
    public void Of_WhenManyTokensShareExperts_IsBoundByThePeakOfTheFormat(string format, double peak)
    {
        LayerFloor floor = LayerFloor.Of(Shape, LayerFormats.Named(format), 4096, 8, l3Bytes: 0, Limits);

        Assert.Equal("flops", floor.Binds);
        Assert.Equal(4096.0 * 2 * 2 * 18432 / peak, floor.Seconds, 1e-12);
    }

    [Theory]
    [InlineData(2 * 8 * 4 * 18432, "flops")]
    [InlineData((2 * 8 * 4 * 18432) - 1, "bytes")]
    public void Of_WhenAllExpertsFitIntoHalfOfL3_HasNoByteTerm(long l3, string binds) =>
        Assert.Equal(binds, LayerFloor.Of(Shape, WeightFormat.Float32, 1, 2, l3, Limits).Binds);

    [Fact]
    public void Between_WhenLimitsMoved_IsTheMean()
    {
        LayerLimits mean = LayerLimits.Between(Limits, new LayerLimits(1, 3e12, 4e12, 2e12, 2e10));

        Assert.Equal(new LayerLimits(1, 2e12, 3e12, 3e12, 1.5e10), mean);
    }

    [Theory]
    [InlineData(WeightFormat.Float32, 2.0)]
    [InlineData(WeightFormat.BFloat16, 1.0)]
    [InlineData(WeightFormat.Q8, 1.0)]
    public void Drift_WhenLimitsMoved_IsTheLargerChangeThatTheFormatMeets(WeightFormat format, double expected)
    {
        var after = new LayerLimits(1, 3e12, 4e12, 4e12, 2e10);

        Assert.Equal(expected, LayerLimits.Drift(Limits, after, format), 12);
        Assert.Equal(expected, LayerLimits.Drift(after, Limits, format), 12);
    }
}
