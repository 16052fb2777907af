namespace DynamicMoE.Tests.Routing;

public sealed class ExpertUsageStatsTests
{
    [Fact]
    public void From_WhenRoutesAreKnown_MatchesHandComputation()
    {
        ExpertUsageStats stats = ExpertUsageStats.From(3, [6, 2, 0, 2]);

        Assert.Equal(3, stats.TotalBatches);
        Assert.Equal(10, stats.TotalRoutes);
        Assert.Equal([0.6, 0.2, 0.0, 0.2], stats.AvgUsagePerExpert);
        Assert.Equal(0.0475, stats.UsageVariance, 12);
        Assert.Equal((0, 2), (stats.MostUsedExpert, stats.LeastUsedExpert));
        Assert.Equal(1 / (4 * 0.44), stats.LoadBalanceScore, 12);
    }

    [Fact]
    public void From_WhenNothingWasRouted_IsNeutral()
    {
        ExpertUsageStats stats = ExpertUsageStats.From(0, [0, 0]);

        Assert.Equal([0.0, 0.0], stats.AvgUsagePerExpert);
        Assert.Equal((0.0, 1.0), (stats.UsageVariance, stats.LoadBalanceScore));
    }

    [Fact]
    public void Record_WhenManyThreadsRoute_LosesNothing()
    {
        var tracker = new UsageTracker(2);
        Parallel.For(0, 1000, _ => tracker.Record([1, 2]));

        ExpertUsageStats stats = tracker.Snapshot();

        Assert.Equal((1000, 3000), (stats.TotalBatches, stats.TotalRoutes));
    }
}
