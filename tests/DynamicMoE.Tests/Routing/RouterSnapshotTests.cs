using System.Text.Json;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>Freezing and keeping what a router learnt beside its threshold.</summary>
public sealed class RouterSnapshotTests : IDisposable
{
    private const int Experts = 6;
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);

    public void Dispose() => _gate.Dispose();

    [Theory]
    [InlineData(LoadBalancingMode.SelectionBias, RoutingStrategy.TopK)]
    [InlineData(LoadBalancingMode.WeightPenalty, RoutingStrategy.TopK)]
    [InlineData(LoadBalancingMode.SelectionBias, RoutingStrategy.Threshold)]
    public void RestoreState_WhenItWentThroughJson_RoutesAlike(LoadBalancingMode mode, RoutingStrategy strategy)
    {
        using DynamicRouter first = Create(mode, strategy);
        using DynamicRouter second = Create(mode, strategy);
        Learn(first, 60);
        string json = JsonSerializer.Serialize(first.SnapshotState());
        Assert.NotEqual(json, JsonSerializer.Serialize(second.SnapshotState()));

        second.RestoreState(JsonSerializer.Deserialize<RouterSnapshot>(json)!);
        second.Controller?.Restore(first.Controller!.Snapshot());

        Assert.Equal(json, JsonSerializer.Serialize(second.SnapshotState()));
        (RoutingBuffers left, RoutingBuffers right) = (Route(first, 99), Route(second, 99));
        Assert.Equal(left.ExpertIndices, right.ExpertIndices);
        Assert.Equal(left.ExpertWeights, right.ExpertWeights);
        Assert.Equal(left.ComplexityScores, right.ComplexityScores);
    }

    [Theory]
    [InlineData(LoadBalancingMode.SelectionBias)]
    [InlineData(LoadBalancingMode.WeightPenalty)]
    public void Frozen_WhenSet_NothingIsLearntAndUsageIsCounted(LoadBalancingMode mode)
    {
        using DynamicRouter router = Create(mode, RoutingStrategy.Threshold);
        Learn(router, 30);
        router.Frozen = true;
        string before = JsonSerializer.Serialize(router.SnapshotState());
        float tau = router.Tau;
        long batches = router.GetExpertUsageStats().TotalBatches;
        Learn(router, 60);

        Assert.Equal((before, tau), (JsonSerializer.Serialize(router.SnapshotState()), router.Tau));
        Assert.Equal(batches + 60, router.GetExpertUsageStats().TotalBatches);
        router.Frozen = false;
        Learn(router, 60);
        Assert.NotEqual(before, JsonSerializer.Serialize(router.SnapshotState()));
    }

    [Fact]
    public void Frozen_OfAnAdaptiveRouter_StopsItsThresholds()
    {
        using var router = new AdaptiveRouter(_gate, new AdaptiveRouterOptions { MaxExperts = 4 });
        router.UpdateThresholds(1);
        router.Frozen = true;
        router.UpdateThresholds(0);
        Assert.Equal(0, router.Offset);
        router.Frozen = false;
        router.UpdateThresholds(0);
        Assert.True(router.Offset > 0);
    }

    [Fact]
    public void RestoreState_WhenItDoesNotFit_ChangesNothing()
    {
        using DynamicRouter bias = Create(LoadBalancingMode.SelectionBias, RoutingStrategy.TopK);
        using DynamicRouter weights = Create(LoadBalancingMode.WeightPenalty, RoutingStrategy.TopK);
        Learn(bias, 30);
        RouterSnapshot good = bias.SnapshotState();
        string before = JsonSerializer.Serialize(good);
        ScoreTableSnapshot table = good.Scores!.Single(scores => scores.Tokens > 0);
        RouterSnapshot[] broken =
        [
            good with { LoadBias = null },
            good with { LoadBias = [0f] },
            good with { LoadBias = [.. good.LoadBias!.Take(Experts - 1), 2f] },
            good with { LoadShares = [.. Enumerable.Repeat(0.1, Experts)] },
            good with { Scores = null },
            good with { Scores = [table] },
            good with { Scores = [table, table with { Tokens = -1 }] },
            good with { Scores = [table, table with { Values = [.. table.Values.Select(value => -value)] }] },
            good with { Scores = [table, null!] },
            weights.SnapshotState(),
        ];

        Assert.Equal(
            [
                $"LoadBias is null, must be {Experts} values within -0.05..0.05.", $"LoadBias has 1 values, must be {Experts} values within -0.05..0.05.",
                $"LoadBias is 2 for expert {Experts - 1}, must be {Experts} values within -0.05..0.05.", "LoadShares must be null: this load balancing has none.",
            ],
            broken.Take(4).Select(snapshot => Assert.Throws<RouterConfigurationException>(() => bias.RestoreState(snapshot)).Message["RouterSnapshot: ".Length..]));
        Assert.All(broken, snapshot => Assert.Throws<RouterConfigurationException>(() => bias.RestoreState(snapshot)));
        Assert.Throws<RouterConfigurationException>(() => weights.RestoreState(weights.SnapshotState() with { LoadFactors = [0, 1, 1, 1, 1, 1] }));
        Assert.Throws<ArgumentNullException>(() => bias.RestoreState(null!));
        Assert.Equal(before, JsonSerializer.Serialize(bias.SnapshotState()));
    }

    private DynamicRouter Create(LoadBalancingMode mode, RoutingStrategy strategy) => new(_gate, new DynamicRouterOptions
    {
        Strategy = strategy,
        MaxExperts = 2,
        LoadBalancing = true,
        BalancingMode = mode,
        BalanceStep = 0.01f,
        ComplexityEstimator = ComplexityEstimators.GradientNorm,
        MeanExpertsBudget = strategy == RoutingStrategy.Threshold ? 1.5 : null,
    });

    private static void Learn(DynamicRouter router, int batches)
    {
        for (int batch = 0; batch < batches; batch++)
        {
            Route(router, batch);
        }
    }

    private static RoutingBuffers Route(DynamicRouter router, int seed)
    {
        float[] hidden = new SeededRandom((ulong)seed).Gaussian(64 * Experts, 1);
        for (int token = 0; token < 64; token++)
        {
            hidden[token * Experts] += 1;
        }

        var buffers = new RoutingBuffers(64, 2, Experts, false);
        router.Route(hidden, 64, buffers);
        return buffers;
    }
}
