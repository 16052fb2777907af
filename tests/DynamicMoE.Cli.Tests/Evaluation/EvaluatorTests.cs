using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Models;
using Xunit;

namespace DynamicMoE.Cli.Tests.Evaluation;

public sealed class EvaluatorTests
{
    private static readonly RoutingRule[] Two = [RoutingRule.Static(2), RoutingRule.Dynamic(1.5, 2)];

    // Every token is one byte that costs 2 bits; the dynamic row runs 1.5 experts in half the time.
    private static WindowScore Score(RoutingRule rule, int tokens)
    {
        double experts = rule.Budget ?? rule.Experts;
        double seconds = rule.Budget is null ? 2 : 1;
        return new WindowScore(
            Nats: (tokens - 1) * 2 * Math.Log(2),
            new ForwardReport(
                Tokens: tokens,
                Passes: 1,
                LayerTokens: 3 * tokens,
                Routes: (long)(experts * 3 * tokens),
                DistinctExperts: 3 * 5,
                LayerPasses: 3,
                MoEFlops: experts * 100,
                MoETime: TimeSpan.FromSeconds(seconds)),
            Seconds: 2 * seconds);
    }

    [Fact]
    public void Run_WhenScoresAreKnown_MakesTheRows()
    {
        using var model = new FakeModel(Score);

        IReadOnlyList<EvaluationRow> rows = Evaluator.Run(model, Two, Enumerable.Range(0, 7).ToArray(), 6, default, null, default);

        // Windows 0..3 and 3..6: eight tokens through the model, six of them scored.
        Assert.Equal(
            new EvaluationRow
            {
                Name = "static top-2",
                BitsPerByte = 2,
                MeanExpertsPerToken = 2,
                DistinctExpertsPerBatch = 5,
                MoeFlops = 400,
                MoeWallSeconds = 4,
                TokensPerSecond = 1,
                FlopsSaving = 0,
                WallSaving = 0,
            },
            rows[0]);
        Assert.Equal("dynamic 1.5", rows[1].Name);
        Assert.Equal(1.5, rows[1].MeanExpertsPerToken);
        Assert.Equal(0.5, rows[1].WallSaving);
        Assert.Equal(0.25, rows[1].FlopsSaving);
    }

    [Fact]
    public void Run_WhenOneWindowIsInterrupted_TimesAreThoseOfTheMedianWindow()
    {
        int calls = 0;
        using var model = new FakeModel((rule, tokens) => Score(rule, tokens) with { Seconds = ++calls == 2 ? 1000 : 4 });

        IReadOnlyList<EvaluationRow> rows = Evaluator.Run(model, Two[..1], Enumerable.Range(0, 10).ToArray(), 9, default, null, default);

        Assert.Equal(1, rows[0].TokensPerSecond);
    }

    [Fact]
    public void Run_WhenThereIsAWarmup_RunsItFirstAndDoesNotScoreIt()
    {
        using var model = new FakeModel(Score);

        IReadOnlyList<EvaluationRow> rows = Evaluator.Run(model, Two, new[] { 1, 2, 3 }, 2, new[] { 4, 5, 6, 7, 8 }, null, default);

        // A static row learns nothing, so one window is enough for it.
        Assert.Equal(
            ["static top-2: 4,5,6,7", "dynamic 1.5: 4,5,6,7", "dynamic 1.5: 7,8", "static top-2: 1,2,3", "dynamic 1.5: 1,2,3"], model.Calls);
        Assert.Equal(2, rows[0].BitsPerByte);
    }

    [Fact]
    public void Run_WhenThereAreManyWindows_RowsTakeTurnsAndSwapTheStart()
    {
        using var model = new FakeModel(Score);

        Evaluator.Run(model, Two, Enumerable.Range(0, 25).ToArray(), 24, default, null, default);

        string order = string.Concat(model.Calls.Select(call => call[0]));
        Assert.Equal("ssssddddddddssss", order);
    }

    [Theory]
    [InlineData(25, 3, new[] { "warm-up", "from window 1 of 8 on", "from window 5 of 8 on" })]
    [InlineData(3 * 4 * 101, 35, new[] { "warm-up", "from window 1 of 404 on", "from window 13 of 404 on" })]
    public void Run_WhenSomebodyWatches_TellsTheStepsBetweenWindows(int tokens, int steps, string[] first)
    {
        var told = new ToldProgress();
        using var model = new FakeModel(Score);

        Evaluator.Run(model, Two, Enumerable.Range(0, tokens).ToArray(), tokens - 1, default, told, default);

        Assert.Equal(first, told.Steps.Take(first.Length).Select(step => step.Current));
        Assert.Equal(Enumerable.Range(0, steps + 1), told.Steps.Select(step => step.Done));
        Assert.All(told.Steps, step => Assert.Equal(("eval", steps), (step.Benchmark, step.Total)));
        Assert.Equal("", told.Steps[^1].Current);
    }

    [Fact]
    public void Run_WhenCancelled_EndsBeforeTheNextWindow()
    {
        using var model = new FakeModel(Score);
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();

        Assert.Throws<OperationCanceledException>(() => Evaluator.Run(model, Two, new[] { 1, 2 }, 1, default, null, cancel.Token));

        Assert.Empty(model.Calls);
    }

    [Fact]
    public void Rows_WhenBudgetsAreGiven_StartWithTheTrainedCountAndTopOne() =>
        Assert.Equal(
            ["static top-2", "static top-1", "dynamic 1.25", "dynamic 1.5"],
            EvaluationPlan.Rows(2, [1.25, 1.5, 1.25]).Select(rule => rule.Name));

    [Fact]
    public void Rows_WhenTheModelIsTopOne_HaveOneStaticRow() =>
        Assert.Equal(["static top-1", "dynamic 1.0"], EvaluationPlan.Rows(1, [1]).Select(rule => rule.Name));

    [Fact]
    public void Rows_WhenABudgetExceedsTheTrainedCount_IsRefused() =>
        Assert.Equal(
            "--budgets 2.5 is outside 1..2, the experts per token that the model was trained with",
            Assert.Throws<ToolException>(() => EvaluationPlan.Rows(2, [2.5])).Message);

    private sealed class ToldProgress : IProgress<BenchmarkProgress>
    {
        public List<BenchmarkProgress> Steps { get; } = [];

        public void Report(BenchmarkProgress value) => Steps.Add(value);
    }
}
