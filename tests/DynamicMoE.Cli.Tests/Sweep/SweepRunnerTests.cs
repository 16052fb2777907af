using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Sweep;
using DynamicMoE.Cli.Sweep.Scores;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class SweepRunnerTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>
{
    public static TheoryData<string> Signals => [.. TokenScores.Names];

    [Theory, MemberData(nameof(Signals))]
    public void Run_WhenASignalDecides_HoldsTheMean(string signal) =>
        Assert.Equal(1.4, Mean(Run(SweepRule.Dynamic(SweepKind.Score, signal, Weighting.TrainedScale, 1.4))), 0.06);

    [Fact]
    public void Run_WhenRouterMarginDecides_IsTheDefaultUnderAnotherName()
    {
        double margin = Nats(Run(SweepRule.Dynamic(SweepKind.Score, ComplexityEstimators.RouterMargin, Weighting.TrainedScale, 1.5)));
        double confidence = Nats(Run(SweepRule.Dynamic(SweepKind.Confidence, SweepRule.Confidence, Weighting.TrainedScale, 1.5)));

        Assert.Equal(confidence, margin, 0.002 * confidence);
    }

    [Fact]
    public void Run_WhenDividedAmongLayers_HoldsTheMeanWithAnotherDivision()
    {
        IReadOnlyList<WindowScore> divided = Run(SweepRule.Dynamic(SweepKind.ConfidenceByLayer, SweepRule.ConfidenceByLayer, Weighting.TrainedScale, 1.4));

        Assert.Equal(1.4, Mean(divided), 0.06);
        Assert.NotEqual(Nats(Run(SweepRule.Dynamic(SweepKind.Confidence, SweepRule.Confidence, Weighting.TrainedScale, 1.4))), Nats(divided));
    }

    [Fact]
    public void Run_WhenBudgetsAreEqual_IsTheDefaultOfAModelWithoutCalibration() =>
        Assert.Equal(
            Nats(Run(SweepRule.Dynamic(SweepKind.Confidence, SweepRule.Confidence, Weighting.TrainedScale, 1.4))),
            Nats(Run(SweepRule.Dynamic(SweepKind.ConfidenceEqual, SweepRule.ConfidenceEqual, Weighting.TrainedScale, 1.4))));

    [Fact]
    public void Run_WhenTopP_FindsTheMassOnTheCalibrationText() =>
        Assert.Equal(1.6, Mean(Run(SweepRule.Dynamic(SweepKind.TopP, SweepRule.TopP, Weighting.TrainedScale, 1.6))), 0.1);

    [Fact]
    public void Run_WhenStatic_LeavesTheModelAsItWas()
    {
        using EvaluatedModel model = Load();
        using var runner = new SweepRunner(model, Windows(0, 100), Windows(100, 300), default);

        double before = Nats(runner.Run(SweepRule.Static(2, Weighting.TrainedScale)));
        Assert.Equal(3, Mean(runner.Run(SweepRule.Static(3, Weighting.Renormalize))));

        Assert.False(model.Model.IsDynamic);
        Assert.Null(model.Windows.Session.Advisor);
        Assert.Equal(before, Nats(runner.Run(SweepRule.Static(2, Weighting.TrainedScale))));
    }

    [Fact]
    public void Run_WhenCancelled_LeavesTheModelAsItWas()
    {
        using EvaluatedModel model = Load();
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        using var runner = new SweepRunner(model, Windows(0, 100), Windows(100, 300), cancel.Token);

        Assert.Throws<OperationCanceledException>(
            () => runner.Run(SweepRule.Dynamic(SweepKind.Score, TokenScores.Oracle, Weighting.TrainedScale, 1.5)));

        Assert.False(model.Model.IsDynamic);
        Assert.Null(model.Windows.Session.Advisor);
    }

    private IReadOnlyList<WindowScore> Run(SweepRule rule)
    {
        using EvaluatedModel model = Load();
        using var runner = new SweepRunner(model, Windows(0, 1600), Windows(1600, 3200), default);
        return runner.Run(rule);
    }

    private EvaluatedModel Load() => new(new ModelChoice(checkpoint.ModelPath, WeightFormat.Float32, 1));

    private static IReadOnlyList<ReadOnlyMemory<int>> Windows(int from, int to) =>
        TextWindows.Of(Enumerable.Range(from, to - from).Select(i => 'a' + (((i * i) + (i / 7)) % 26)).ToArray(), 64);

    private static double Mean(IReadOnlyList<WindowScore> scores) => scores.Aggregate((a, b) => a + b).Report.MeanExpertsPerToken;

    private static double Nats(IReadOnlyList<WindowScore> scores) => scores.Sum(score => score.Nats);
}
