namespace DynamicMoE.Tests.Statistics;

public class SampleTests
{
    [Fact]
    public void Sample_WhenValuesAreKnown_MatchesHandComputation()
    {
        var sample = new Sample([4, 1, 3, 2]);

        Assert.Equal((4, 1.0, 4.0, 2.5, 2.5), (sample.Count, sample.Smallest, sample.Largest, sample.Mean, sample.Median));
        Assert.Equal(Math.Sqrt(5.0 / 3), sample.StandardDeviation, 12);
        Assert.Equal(3, new Sample([3, 1, 9]).Median);
        Assert.Equal(0, new Sample([3]).StandardDeviation);
    }

    // 0.95 * 20 = 19 and 0.99 * 100 = 99 exactly, whatever the products round to.
    [Theory]
    [InlineData(100, 0.95, 95)]
    [InlineData(100, 0.99, 99)]
    [InlineData(20, 0.95, 19)]
    [InlineData(21, 0.95, 20)]
    [InlineData(1, 0.99, 1)]
    [InlineData(10, 1, 10)]
    public void Quantile_WhenValuesAreRanks_IsTheNearestRank(int count, double share, double expected) =>
        Assert.Equal(expected, Ranks(count).Quantile(share));

    [Fact]
    public void IntervalOf_WhenValuesAreRanks_HasTheEndsOfTheTable()
    {
        Assert.Equal(new Interval(40, 61), Ranks(100).IntervalOf(0.5));
        Assert.Null(Ranks(100).IntervalOf(0.99));
    }

    private static Sample Ranks(int count) => new([.. Enumerable.Range(1, count).Reverse().Select(rank => (double)rank)]);
}
