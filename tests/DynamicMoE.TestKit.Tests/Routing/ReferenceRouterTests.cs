using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Tests.Routing;

public sealed class ReferenceRouterTests
{
    private static readonly GateRules Four = new() { Experts = 4, TrainedExperts = 2 };

    // p = 0.1, 0.4, 0.2, 0.3
    private static readonly float[] Known = [MathF.Log(1), MathF.Log(4), MathF.Log(2), MathF.Log(3)];

    private static RouteRules Fixed(int k) => new() { MinExperts = k, MaxExperts = k };

    private static void Close(double[] expected, double[] actual) =>
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) < 1e-6);

    [Fact]
    public void Select_WhenRenormalized_WeightsAreSharesOfTheSelection()
    {
        ReferenceRoutes routes = ReferenceRouter.Select(Known, Four, Fixed(2));

        Assert.Equal([1, 3], routes.Ids[0]);
        Close([4 / 7.0, 3 / 7.0], routes.Weights[0]);
    }

    [Fact]
    public void Select_WhenTrainedScaleDropsAnExpert_DoesNotInflateTheOthers()
    {
        ReferenceRoutes routes = ReferenceRouter.Select(
            Known, Four, Fixed(1) with { Weighting = ReferenceWeighting.TrainedScale });

        Close([4 / 7.0], routes.Weights[0]);
    }

    [Fact]
    public void Select_WhenRawAndScaled_WeightsAreProbabilitiesTimesScale()
    {
        ReferenceRoutes routes = ReferenceRouter.Select(
            Known, Four with { RoutedScale = 2.5 }, Fixed(2) with { Weighting = ReferenceWeighting.Raw });

        Close([1.0, 0.75], routes.Weights[0]);
    }

    [Fact]
    public void Select_WhenLogitsTie_PrefersTheLowerId()
    {
        ReferenceRoutes routes = ReferenceRouter.Select([1, 2, 2, 1], Four, Fixed(3));

        Assert.Equal([1, 2, 0], routes.Ids[0]);
        Assert.False(routes.IsClose(0));
        Assert.True(routes.IsClose(0, 1e-6));
    }

    [Theory]
    [InlineData(0f, 1)]
    [InlineData(0.25f, 2)] // 1.75
    [InlineData(0.5f, 2)] // 2.5 rounds to the even 2
    [InlineData(0.834f, 4)] // 3.502
    [InlineData(1f, 4)]
    public void Select_WhenScoreIsSupplied_CountRoundsHalfToEven(float score, int expected)
    {
        var rules = new RouteRules { MinExperts = 1, MaxExperts = 4, Score = ReferenceScore.Supplied, Scores = [score] };

        Assert.Equal(expected, ReferenceRouter.Select(Known, Four, rules).Ids[0].Length);
    }

    [Fact]
    public void Select_WhenCountHasAnOffset_AddsItBeforeRoundingAndClamps()
    {
        var rules = new RouteRules { MinExperts = 1, MaxExperts = 4 };

        Assert.Equal(3, ReferenceRouter.Select(Known, Four, rules with { CountOffset = 0.75f }).Ids[0].Length);
        Assert.Single(ReferenceRouter.Select(Known, Four, rules with { CountOffset = -10 }).Ids[0]);
    }

    [Fact]
    public void Select_WhenScoreIsRouterMargin_IsSecondOverFirst()
    {
        var rules = Fixed(1) with { Score = ReferenceScore.RouterMargin };

        Assert.Equal(0.75, ReferenceRouter.Select(Known, Four, rules).Scores[0], 1e-6);
    }

    [Fact]
    public void Select_WhenScoreIsEntropy_IsOneForUniformLogits()
    {
        var rules = Fixed(1) with { Score = ReferenceScore.RouterEntropy };

        Assert.Equal(1, ReferenceRouter.Select([2, 2, 2, 2], Four, rules).Scores[0], 1e-12);
    }

    [Theory]
    [InlineData(0.80f, 1)]
    [InlineData(0.70f, 2)]
    [InlineData(0.40f, 3)]
    [InlineData(0.10f, 4)]
    [InlineData(0f, 4)]
    public void Select_WhenThreshold_StopsBeforeTheFirstBelowTau(float tau, int expected)
    {
        var rules = new RouteRules { MinExperts = 1, MaxExperts = 4, Strategy = ReferenceStrategy.Threshold, Tau = tau };

        Assert.Equal(expected, ReferenceRouter.Select(Known, Four, rules).Ids[0].Length);
    }

    [Fact]
    public void Select_WhenTauIsOne_KeepsOnlyTies()
    {
        var rules = new RouteRules { MinExperts = 1, MaxExperts = 4, Strategy = ReferenceStrategy.Threshold, Tau = 1 };

        Assert.Equal([1, 3], ReferenceRouter.Select([0, 5, 1, 5], Four, rules).Ids[0]);
    }

    [Theory]
    [InlineData(0.39f, 1)]
    [InlineData(0.69f, 2)]
    [InlineData(0.89f, 3)]
    [InlineData(1f, 4)]
    public void Select_WhenTopP_StopsOnceTheMassIsTaken(float mass, int expected)
    {
        var rules = new RouteRules { MinExperts = 1, MaxExperts = 4, Strategy = ReferenceStrategy.TopP, TopP = mass };

        Assert.Equal(expected, ReferenceRouter.Select(Known, Four, rules).Ids[0].Length);
    }

    [Fact]
    public void Select_WhenSelectionIsBiased_BiasChoosesButDoesNotWeigh()
    {
        var rules = Fixed(1) with { SelectionBias = [1, 0, 0, 0], Weighting = ReferenceWeighting.Raw };

        ReferenceRoutes routes = ReferenceRouter.Select(Known, Four, rules);

        Assert.Equal([0], routes.Ids[0]);
        Close([0.1], routes.Weights[0]);
    }

    [Fact]
    public void Select_WhenGroupsAreRankedByMax_KeepsTheGroupOfTheBest()
    {
        GateRules gate = Four with { Groups = 2, TopGroups = 1 };

        Assert.Equal([1, 0], ReferenceRouter.Select(Known, gate, Fixed(2)).Ids[0]);
    }

    [Fact]
    public void Select_WhenGroupsAreRankedByTop2Sum_KeepsTheGroupWithTheLargerPair()
    {
        // p = 0.4, 0.05, 0.3, 0.25: the best expert is in group 0, the better pair in group 1.
        float[] logits = [MathF.Log(8), MathF.Log(1), MathF.Log(6), MathF.Log(5)];
        GateRules gate = Four with { Groups = 2, TopGroups = 1, GroupScore = ReferenceGroupScore.Top2Sum };

        Assert.Equal([2, 3], ReferenceRouter.Select(logits, gate, Fixed(2)).Ids[0]);
    }

    [Fact]
    public void Select_WhenSigmoid_RenormalizesOverSelectedProbabilities()
    {
        // sigmoid(ln 3) = 0.75, sigmoid(0) = 0.5, sigmoid(-ln 3) = 0.25
        float l = MathF.Log(3);
        GateRules gate = Four with { Gate = ReferenceGate.Sigmoid };

        ReferenceRoutes routes = ReferenceRouter.Select([l, 0, -l, -9], gate, Fixed(2));

        Close([0.6, 0.4], routes.Weights[0]);
        Assert.Equal(Math.Log(1.5), routes.Gaps[0][1], 1e-6);
    }

    [Fact]
    public void Select_WhenSigmoidProbabilitiesUnderflow_WeightsKeepTheirProportions()
    {
        float l = MathF.Log(3);
        GateRules gate = Four with { Gate = ReferenceGate.Sigmoid };

        ReferenceRoutes routes = ReferenceRouter.Select([-2000 + l, -2000, -3000, -3000], gate, Fixed(2));

        Assert.Equal([0.75, 0.25], routes.Weights[0], (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void Select_WhenTooFewExpertsAreUsable_IsRefused()
    {
        var rules = Fixed(2) with { Usable = [false, true, false, false] };

        var fault = Assert.Throws<ReferenceFaultException>(() => ReferenceRouter.Select(Known, Four, rules));

        Assert.Equal(ReferenceFault.Balance, fault.Fault);
    }

    [Fact]
    public void Select_WhenAnExpertIsMasked_SkipsItAndItsGapIsInfinite()
    {
        var rules = Fixed(2) with { Usable = [true, false, true, true] };

        ReferenceRoutes routes = ReferenceRouter.Select(Known, Four, rules);

        Assert.Equal([3, 2], routes.Ids[0]);
        Assert.Equal(double.PositiveInfinity, routes.Gaps[0][3]);
    }

    [Fact]
    public void Select_WhenALogitIsNotFinite_NamesTheLowestToken()
    {
        foreach (string name in RouterLogits.RefusedCases)
        {
            float[] logits = RouterLogits.Refused(name, 5, 4, badToken: 3);

            Assert.Equal(3, Assert.Throws<ReferenceFaultException>(() => ReferenceRouter.Select(logits, Four, Fixed(1))).Token);
        }
    }

    [Fact]
    public void Select_WhenKIsTrainedK_TrainedScaleEqualsRenormalize()
    {
        foreach (string name in RouterLogits.FiniteCases)
        {
            float[] logits = RouterLogits.Finite(name, 9, 4);
            ReferenceRoutes a = ReferenceRouter.Select(logits, Four, Fixed(2));
            ReferenceRoutes b = ReferenceRouter.Select(logits, Four, Fixed(2) with { Weighting = ReferenceWeighting.TrainedScale });

            Assert.Equal(a.Ids, b.Ids);
            Assert.Equal(a.Weights, b.Weights);
            Assert.All(a.Weights, w => Assert.Equal(1, w.Sum(), 1e-12));
        }
    }

    [Fact]
    public void Route_WhenWeightsAreIdentity_LogitsAreTheHiddenStatePlusBias()
    {
        ReferenceRoutes routes = ReferenceRouter.Route([1, 2], [1, 0, 0, 1], [0.5f, -3], new() { Experts = 2, TrainedExperts = 1 }, Fixed(1));

        Assert.Equal([1.5, -1], routes.Logits);
        Assert.Equal([0], routes.Ids[0]);
    }

    [Fact]
    public void Select_WhenNoiseIsOn_AddsPhiloxPerPositionAndExpert()
    {
        var rules = Fixed(1) with { NoiseFactor = 0.5f, NoiseSeed = 9, Positions = [42] };

        ReferenceRoutes routes = ReferenceRouter.Select([0, 0, 0, 0], Four, rules);

        Assert.Equal(0.5f * Philox.Noise(9, 42, 2), (float)routes.Logits[2]);
    }
}
