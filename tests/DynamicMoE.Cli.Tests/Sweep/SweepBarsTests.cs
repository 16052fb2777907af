using DynamicMoE.Cli.Sweep;
using DynamicMoE.Cli.Sweep.Report;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class SweepBarsTests
{
    [Theory]
    [InlineData(1.5, 0.08, true)]
    [InlineData(1.5, 0.081, false)]
    [InlineData(1.25, 0.18, true)]
    [InlineData(1.25, 0.181, false)]
    public void Share_WhenItsUpperEndIsAtTheLimit_IsMet(double budget, double upper, bool met)
    {
        SweepBar bar = Assert.Single(Of(Reports.Row("confidence", budget) with { ShareOfGapUpper = upper }), bar => bar.Name == "share_of_gap_upper");

        Assert.Equal((budget, upper, met), (bar.Budget, bar.Value, bar.Met));
    }

    [Fact]
    public void Share_WhenTheModelWasTrainedWithMore_HasNoLimit() =>
        Assert.DoesNotContain(
            SweepBars.Of([Reports.Row("confidence", 1.5)], [], 4, Weighting.TrainedScale), bar => bar.Name == "share_of_gap_upper");

    [Theory]
    [InlineData(5.1, true)]
    [InlineData(5.0, false)]
    [InlineData(null, false)]
    public void Errors_WhenAboveFive_AreMet(double? errors, bool met) =>
        Assert.Equal(met, Assert.Single(Of(Reports.Row("confidence", 1.75) with { ErrorsBelowRandom = errors })).Met);

    [Fact]
    public void Of_WhenOtherSignalsAndWeightsAreThere_LooksAtTheDefaultAlone() =>
        Assert.Empty(Of(Reports.Row("router_entropy", 1.5), Reports.Row("confidence", 1.5) with { Weighting = "renormalize" }));

    [Theory]
    [InlineData(0.83, true)]
    [InlineData(0.84, false)]
    public void Time_WhenWithinTheMargin_IsMet(double ratio, bool met)
    {
        SweepTime[] times = [Reports.Time("static top-2", 2, 1), Reports.Time("dynamic 1.5", 1.5, ratio)];

        SweepBar bar = Assert.Single(SweepBars.Of([], times, 2, Weighting.TrainedScale));

        Assert.Equal(("moe_time_ratio", 1.5, met), (bar.Name, bar.Budget, bar.Met));
    }

    private static IReadOnlyList<SweepBar> Of(params SweepRow[] rows) => SweepBars.Of(rows, [], 2, Weighting.TrainedScale);
}
