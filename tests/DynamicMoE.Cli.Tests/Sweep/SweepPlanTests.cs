using DynamicMoE.Cli.Sweep;
using DynamicMoE.Models;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class SweepPlanTests
{
    [Fact]
    public void Budgets_WhenTrainedWithTwo_AreTheFourOfTheReport() => Assert.Equal([1.1, 1.25, 1.5, 1.75], SweepPlan.Budgets(2));

    [Fact]
    public void Budgets_WhenTrainedWithEight_AreTheSameShares() => Assert.Equal([4.4, 5, 6, 7], SweepPlan.Budgets(8));

    [Fact]
    public void Rules_WhenTheCheckpointRenormalises_HaveBothWeightsOfStaticRowsAndOfTheDefault() =>
        Assert.Equal(
            [
                "static top-1 Renormalize", "static top-1 TrainedScale", "static top-2 TrainedScale", "static top-3 Renormalize",
                "static top-3 TrainedScale", "static top-4 Renormalize", "static top-4 TrainedScale",
                "confidence 1.5 TrainedScale", "confidence 1.5 Renormalize", "confidence_by_layer 1.5 TrainedScale", "top_p 1.5 TrainedScale",
                "gradient_norm 1.5 TrainedScale", "attention_entropy 1.5 TrainedScale", "perplexity_proxy 1.5 TrainedScale",
                "threshold 1.5 TrainedScale", "router_margin 1.5 TrainedScale", "router_entropy 1.5 TrainedScale",
                "random 1.5 TrainedScale", "oracle 1.5 TrainedScale",
            ],
            Names(Config(8, 2, normalize: true), Weighting.TrainedScale, 1.5));

    [Fact]
    public void Rules_WhenWeightsAreTakenAsTheyAre_HaveOneRowEach() =>
        Assert.Equal(
            ["static top-1 Raw", "static top-2 Raw", "static top-3 Raw", "static top-4 Raw", "static top-6 Raw", "confidence 5.0 Raw", "confidence_by_layer 5.0 Raw"],
            Names(Config(64, 6, normalize: false), Weighting.Raw, 5).Take(7));

    [Fact]
    public void Rules_WhenTheDefaultDividesByLayer_EqualBudgetsAreTheAlternative()
    {
        string[] names = [.. Names(Config(8, 2, normalize: true), Weighting.TrainedScale, 1.5, divided: true)];

        Assert.Contains("confidence_equal 1.5 TrainedScale", names);
        Assert.DoesNotContain("confidence_by_layer 1.5 TrainedScale", names);
    }

    [Fact]
    public void Rules_WhenThereAreThreeExperts_StopThere() =>
        Assert.Equal("static top-3 TrainedScale", Names(Config(3, 2, normalize: true), Weighting.TrainedScale, 1.5).Last(name => name.StartsWith("static", StringComparison.Ordinal)));

    [Fact]
    public void Rules_WhenTrainedWithOne_AreRefused() =>
        Assert.Equal(
            "--sweep needs a model that was trained with at least 2 experts per token, this one has 1",
            Assert.Throws<ToolException>(() => SweepPlan.Rules(Config(8, 1, normalize: true), [1], Weighting.TrainedScale, dividedByLayer: false)).Message);

    [Fact]
    public void Rules_WhenABudgetExceedsTheTrainedCount_AreRefused() =>
        Assert.Equal(
            "--budgets 2.5 is outside 1..2, the experts per token that the model was trained with",
            Assert.Throws<ToolException>(() => SweepPlan.Rules(Config(8, 2, normalize: true), [2.5], Weighting.TrainedScale, dividedByLayer: false)).Message);

    private static IEnumerable<string> Names(ExpertsConfig config, Weighting weighting, double budget, bool divided = false) =>
        SweepPlan.Rules(config, [budget, budget], weighting, divided).Select(rule => $"{rule.Name} {rule.Weighting}");

    private static ExpertsConfig Config(int count, int perToken, bool normalize) =>
        new() { Count = count, PerToken = perToken, Width = 4, NormalizeTopK = normalize };
}
