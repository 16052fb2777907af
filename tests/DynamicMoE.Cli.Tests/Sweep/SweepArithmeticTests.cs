using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Sweep;
using DynamicMoE.Cli.Sweep.Report;
using DynamicMoE.Models;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class SweepArithmeticTests
{
    private static readonly SweepRule[] Rules =
    [
        SweepRule.Static(1, Weighting.Renormalize), SweepRule.Static(1, Weighting.TrainedScale), SweepRule.Static(2, Weighting.TrainedScale),
        SweepRule.Dynamic(SweepKind.Confidence, "confidence", Weighting.TrainedScale, 1.5),
        SweepRule.Dynamic(SweepKind.TopP, "top_p", Weighting.TrainedScale, 1.5),
        SweepRule.Dynamic(SweepKind.Score, "random", Weighting.TrainedScale, 1.5),
        SweepRule.Dynamic(SweepKind.Score, "oracle", Weighting.TrainedScale, 1.5),
    ];

    // Bits of two windows with ten bytes together.
    private static readonly double[][] Bits = [[30, 20], [24, 20], [20, 10], [20, 12], [21, 12], [24, 14], [20, 10]];

    private static readonly SweepArithmetic Arithmetic = new(
        Rules, [.. Bits.Select((bits, rule) => (IReadOnlyList<WindowScore>)[.. bits.Select(b => Window(b, rule))])], 10, 2);

    [Fact]
    public void Gap_WhenTopOneIsMeasuredBothWays_StatesBoth()
    {
        Assert.Equal(2, Arithmetic.Gap.BitsPerByte, 12);
        Assert.Equal(0, Arithmetic.Gap.StandardError, 12);
        Assert.Equal(1.4, Arithmetic.Gap.TrainedScaleBitsPerByte!.Value, 12);
    }

    [Fact]
    public void Rows_WhenMeasured_ArePairedOverWindows()
    {
        SweepRow row = Arithmetic.Rows()[3];

        Assert.Equal(("confidence 1.5", "trained_scale", 1.5), (row.Name, row.Weighting, row.Budget));
        Assert.Equal(1.5, row.MeanExpertsPerToken);
        Assert.Equal(3.2, row.BitsPerByte, 12);
        // Losses 0 and 2, a standard error of 2 bits for the sum; gaps of 10 each.
        Assert.Equal(0.2, row.Loss, 12);
        Assert.Equal(0.2, row.LossStandardError, 12);
        Assert.Equal(0.1, row.ShareOfGap!.Value, 12);
        Assert.Equal(0.1 + (1.96 * 0.1), row.ShareOfGapUpper!.Value, 12);
        Assert.Equal(2.0 / 14, row.ShareOfTrainedScaleGap!.Value, 12);
        // Random costs 4 and 2 bits more: 6 with a standard error of 2.
        Assert.Equal(3, row.ErrorsBelowRandom!.Value, 12);
    }

    [Fact]
    public void Rows_WhenThereIsNoControl_DoNotCompareWithOne()
    {
        IReadOnlyList<SweepRow> rows = Arithmetic.Rows();

        Assert.Null(rows[0].ErrorsBelowRandom);
        Assert.Null(rows[5].ErrorsBelowRandom);
    }

    [Fact]
    public void Rows_WhenTopOneIsNoWorse_HaveNoShareOfAGap()
    {
        double[][] bits = [[18, 10], [18, 10], [20, 10], [22, 12], [21, 12], [24, 14], [20, 10]];
        var arithmetic = new SweepArithmetic(Rules, [.. bits.Select((both, rule) => (IReadOnlyList<WindowScore>)[.. both.Select(b => Window(b, rule))])], 10, 2);

        IReadOnlyList<SweepRow> rows = arithmetic.Rows();

        Assert.All(rows, row => Assert.Equal((null, null, null), (row.ShareOfGap, row.ShareOfGapUpper, row.ShareOfTrainedScaleGap)));
        Assert.DoesNotContain(SweepBars.Of(rows, [], 2, Weighting.TrainedScale), bar => bar.Name == "share_of_gap_upper");
        Assert.Equal("-", SweepText.Cells(rows[3])[6]);
    }

    [Fact]
    public void BestSignal_WhenTheOracleWins_NamesTheBestOfTheOthers() => Assert.Equal("confidence", Arithmetic.BestSignal(Weighting.TrainedScale));

    private static WindowScore Window(double bits, int rule) => new(
        bits * Math.Log(2),
        new ForwardReport(Tokens: 2, Passes: 1, LayerTokens: 2, Routes: rule < 2 ? 2 : rule == 2 ? 4 : 3, DistinctExperts: 2, LayerPasses: 1, MoEFlops: 1, TimeSpan.Zero),
        Seconds: 1);
}
