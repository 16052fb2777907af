using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

public sealed class AdaptiveRouterTests
{
    private static AdaptiveRouterOptions Options() => new() { InputDim = 4, NumExperts = 4, MaxExperts = 4, AdaptationRate = 0.5 };

    [Fact]
    public void UpdateThresholds_WhenPerformanceFalls_AsksForMoreExperts()
    {
        using var router = new AdaptiveRouter(Options());
        double[] before = router.GetThresholds();
        router.UpdateThresholds(1.0);
        Assert.Equal(0, router.Offset);

        router.UpdateThresholds(0.0);

        Assert.Equal(0.5, router.Offset, 12);
        Assert.All(before.Zip(router.GetThresholds()), pair => Assert.True(pair.Second < pair.First));
    }

    [Fact]
    public void UpdateThresholds_WhenPerformanceKeepsSwinging_StaysWithinTheRange()
    {
        using var router = new AdaptiveRouter(Options());
        for (int i = 0; i < 100; i++)
        {
            router.UpdateThresholds(-1e6 * i);
        }

        Assert.Equal(3, router.Offset);
        Assert.Throws<ArgumentOutOfRangeException>(() => router.UpdateThresholds(double.NaN));
        Assert.Equal(3, router.Offset);
    }

    [Fact]
    public void Route_WhenThresholdsMoved_FollowsThem()
    {
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 4);
        using var router = new AdaptiveRouter(gate, new AdaptiveRouterOptions { AdaptationRate = 1 });
        float[] scores = [.. Enumerable.Range(0, 40).Select(i => (i + 0.5f) / 40)];
        var context = new RoutingContext { ComplexityScores = scores };
        float[] hidden = RouterLogits.Finite("gaussian", 40, 4);
        var buffers = new RoutingBuffers(40, 4, 4, false);
        router.UpdateThresholds(0.7);
        router.UpdateThresholds(0);

        router.Route(hidden, 40, buffers, context);

        double[] thresholds = router.GetThresholds();
        Assert.Equal(scores.Select(s => 1 + thresholds.Count(t => s > t)), buffers.ExpertsPerToken);
    }

    [Fact]
    public void UpdateThresholds_WhenABudgetIsHeld_MovesTheBudgetOfTheNextBatch()
    {
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 2);
        using var router = new AdaptiveRouter(gate, new AdaptiveRouterOptions
        {
            Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5, AdaptationRate = 0.1,
        });
        router.UpdateThresholds(1);
        router.UpdateThresholds(0);

        Assert.Equal(1.5, router.Controller!.Budget);
        router.Route(RouterLogits.Finite("gaussian", 1, 4), 1, new RoutingBuffers(1, 2, 4, false));

        Assert.Equal(1.6, router.Controller.Budget, 12);
    }

    [Fact]
    public void UpdateThresholds_WhenTheArbiterIsFrozen_ChangesNothing()
    {
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 2);
        using var router = new AdaptiveRouter(gate, new AdaptiveRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5 });
        router.Arbiter!.Frozen = true;
        router.UpdateThresholds(1);
        router.UpdateThresholds(0);

        Assert.Equal(new AdaptiveRouterSnapshot(0, null), router.Snapshot());
    }

    [Fact]
    public void Restore_WhenGivenASnapshot_GoesOnAlike()
    {
        using var first = new AdaptiveRouter(Options());
        first.UpdateThresholds(1);
        first.UpdateThresholds(0);
        using var second = new AdaptiveRouter(Options());
        second.Restore(first.Snapshot());
        first.UpdateThresholds(0.25);
        second.UpdateThresholds(0.25);

        Assert.Equal(first.Snapshot(), second.Snapshot());
        Assert.Throws<RouterConfigurationException>(() => second.Restore(new AdaptiveRouterSnapshot(3.5, 0)));
        Assert.Throws<RouterConfigurationException>(() => second.Restore(new AdaptiveRouterSnapshot(0, double.NaN)));
        Assert.Throws<ArgumentNullException>(() => second.Restore(null!));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    public void Constructor_WhenRateIsOutOfRange_SaysSo(double rate)
    {
        AdaptiveRouterOptions options = Options();
        options.AdaptationRate = rate;

        Assert.Contains("AdaptationRate", Assert.Throws<RouterConfigurationException>(() => new AdaptiveRouter(options)).Message, StringComparison.Ordinal);
    }
}
