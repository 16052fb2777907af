namespace DynamicMoE.Tests.Telemetry;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(1e-5)]
    [InlineData(0.004)]
    [InlineData(1.0)]
    public void Quantile_WhenDurationsAreSpread_IsWithinASixteenthAbove(double scale)
    {
        var histogram = new LatencyHistogram(2);
        for (int i = 1; i <= 1000; i++)
        {
            histogram.Add(scale * i / 1000);
        }

        Assert.InRange(histogram.Quantile(0.95), scale * 0.95, scale * 0.95 * 17 / 16);
    }

    [Fact]
    public void Rotate_WhenTheRingIsOnceRound_ForgetsTheOldest()
    {
        var histogram = new LatencyHistogram(3);
        histogram.Add(1);
        histogram.Rotate();
        histogram.Add(0.001);
        histogram.Rotate();
        Assert.InRange(histogram.Quantile(1), 1, 17.0 / 16);
        histogram.Rotate();

        Assert.Equal(1, histogram.Count);
        Assert.InRange(histogram.Quantile(1), 0.001, 0.00107);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1e9)]
    public void Add_WhenADurationIsOutsideTheBins_GoesToTheOuterOnes(double seconds)
    {
        var histogram = new LatencyHistogram(1);
        histogram.Add(seconds);

        Assert.Equal(1, histogram.Count);
        Assert.InRange(histogram.Quantile(0.5), 1e-7, 100);
        histogram.Clear();
        Assert.Equal(0, histogram.Quantile(0.5));
    }
}
