namespace DynamicMoE.Tests.Adaptation;

public sealed class GapHistogramTests
{
    [Theory]
    [InlineData(1e-6)]
    [InlineData(0.01)]
    [InlineData(1.0)]
    [InlineData(100.0)]
    public void GapAt_WhenGapsAreUniform_FindsTheirQuantile(double scale)
    {
        var histogram = new GapHistogram();
        for (int i = 0; i < 10_000; i++)
        {
            histogram.AddGap((float)(scale * (i + 0.5) / 10_000));
        }

        // A bin spans 1/32 of an octave and is read linearly: the rest is float rounding.
        Assert.Equal(0.25 * scale, histogram.GapAt(2500), 0.002 * scale);
        Assert.Equal(0.75 * scale, histogram.GapAt(7500), 0.002 * scale);
    }

    [Fact]
    public void GapAt_WhenMoreIsAskedThanThereIs_IsInfinite()
    {
        var histogram = new GapHistogram();
        histogram.AddGap(1);
        histogram.AddGap(float.PositiveInfinity);

        Assert.Equal(double.PositiveInfinity, histogram.GapAt(1.5));
        Assert.Equal(0, histogram.GapAt(0));
    }

    [Theory]
    [InlineData(-1f)]
    [InlineData(0f)]
    [InlineData(1e-30f)]
    [InlineData(1e30f)]
    public void AddGap_WhenOutsideTheOctaves_GoesToTheOuterBins(float gap)
    {
        var histogram = new GapHistogram();
        histogram.AddGap(gap);

        Assert.InRange(histogram.GapAt(1), 0, 256.1);
    }
}
