namespace DynamicMoE.Tests.Statistics;

public class OrderRanksTests
{
    // Ranks as tables of the sign test's confidence intervals have them.
    [Theory]
    [InlineData(6, 0.5, 1, 6)]
    [InlineData(10, 0.5, 2, 9)]
    [InlineData(11, 0.5, 2, 10)]
    [InlineData(20, 0.5, 6, 15)]
    [InlineData(50, 0.5, 18, 33)]
    [InlineData(100, 0.5, 40, 61)]
    [InlineData(100, 0.95, 90, 100)]
    public void Of_WhenTabled_MatchesTheTable(int count, double quantile, int low, int high) =>
        Assert.Equal((low, high), OrderRanks.Of(count, quantile));

    [Theory]
    [InlineData(5, 6, 0.5)]
    [InlineData(71, 72, 0.95)]
    [InlineData(367, 368, 0.99)]
    public void Of_WhenTheSampleIsTooSmall_IsNull(int tooFew, int enough, double quantile)
    {
        Assert.Null(OrderRanks.Of(tooFew, quantile));
        Assert.NotNull(OrderRanks.Of(enough, quantile));
    }

    [Property(MaxTest = 60)]
    public void Of_WhateverTheSize_CoversAndCannotBeNarrower(byte size, byte share)
    {
        int count = 1 + (size * 7);
        double quantile = (share + 1) / 257.0;
        if (OrderRanks.Of(count, quantile) is not var (low, high))
        {
            // Then one of the two ends does not exist even at the ends of the sample.
            Assert.True(Below(count, quantile, 0) > 0.025 - 1e-9 || 1 - Below(count, quantile, count - 1) > 0.025 - 1e-9);
            return;
        }

        Assert.InRange(low, 1, count);
        Assert.InRange(high, low + 1, count);
        Assert.True(Below(count, quantile, low - 1) <= 0.025 + 1e-9);
        Assert.True(1 - Below(count, quantile, high - 1) <= 0.025 + 1e-9);
        Assert.True(Below(count, quantile, low) > 0.025 - 1e-9);
        Assert.True(1 - Below(count, quantile, high - 2) > 0.025 - 1e-9);
    }

    [Fact]
    public void Of_WhenTheSampleIsLarge_IsTheNormalInterval()
    {
        // 1e6 values: the median's ranks are 500000 -+ 1.96 * 500.
        (int low, int high) = OrderRanks.Of(1_000_000, 0.5)!.Value;
        Assert.InRange(low, 499_018, 499_022);
        Assert.InRange(high, 500_979, 500_983);
    }

    // P(B <= k), each term from factorials in logarithms.
    private static double Below(int count, double quantile, int k)
    {
        double[] logFactorial = new double[count + 1];
        for (int i = 2; i <= count; i++)
        {
            logFactorial[i] = logFactorial[i - 1] + Math.Log(i);
        }

        double sum = 0;
        for (int i = 0; i <= k; i++)
        {
            sum += Math.Exp(logFactorial[count] - logFactorial[i] - logFactorial[count - i] + (i * Math.Log(quantile)) + ((count - i) * Math.Log(1 - quantile)));
        }

        return sum;
    }
}
