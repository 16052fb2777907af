using DynamicMoE.Peers.Bars;

namespace DynamicMoE.Peers.Tests;

public sealed class LayerBarsTests
{
    [Theory]
    [InlineData("O", "f32", 1, 0.90)]
    [InlineData("S", "q4", 1, 0.90)]
    [InlineData("O", "q8", 8, 0.85)]
    [InlineData("M", "bf16", 512, 0.85)]
    [InlineData("X", "bf16", 512, 0.85)]
    [InlineData("O", "bf16", 512, 0.75)]
    [InlineData("Q", "bf16", 512, 0.75)]
    [InlineData("S", "f32", 512, 0.80)]
    public void Limit_WhenTheShareIsReached_HoldsAndFailsBelow(string shape, string format, int tokens, double share)
    {
        Bar reached = Assert.Single(BarsOf(TestCells.Of(shape, format, tokens, share)));
        Bar missed = Assert.Single(BarsOf(TestCells.Of(shape, format, tokens, share - 0.001)));

        Assert.Equal((1, true), (reached.Number, reached.Holds));
        Assert.Equal((1, false), (missed.Number, missed.Holds));
        Assert.Equal(FormattableString.Invariant($"time <= floor / {share:0.0#}"), missed.Text);
    }

    [Theory]
    [InlineData("O", "f32", 64)]
    [InlineData("S", "bf16", 512)]
    [InlineData("O", "f32", 7)]
    public void Limit_WhenNoBarIsSet_HasNone(string shape, string format, int tokens) => Assert.Empty(BarsOf(TestCells.Of(shape, format, tokens, 0.01)));

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Limit_WhenExpertsTakeLessThanEightTimesL3_HasNoDecodingBar(int tokens) =>
        Assert.Empty(BarsOf(TestCells.Of("M", "bf16", tokens, 0.1, expertBytes: (8 * TestCells.L3Bytes) - 1)));

    [Theory]
    [InlineData("q8", 2.0, true)]
    [InlineData("q4", 2.0, true)]
    [InlineData("q4", 2.01, false)]
    public void Limit_WhenQuantised_IsComparedWithOurBfloat16(string format, double milliseconds, bool holds)
    {
        LayerCell bfloat16 = TestCells.Of("M", "bf16", 512, 1, milliseconds: 3), otherTokens = TestCells.Of("M", "bf16", 64, 1, milliseconds: 1);

        Bar bar = Assert.Single(LayerBars.Of([otherTokens, TestCells.Of("M", format, 512, 0.1, milliseconds: milliseconds), bfloat16], TestCells.L3Bytes), b => b.Format == format);

        Assert.Equal(holds, bar.Holds);
        Assert.Equal(3 / milliseconds, bar.Reached, 1e-9);
    }

    [Theory]
    [InlineData(64, 1.5, 0.1, true)]
    [InlineData(64, 1.49, 0.1, false)]
    [InlineData(64, 1.0, 0.85, true)]
    [InlineData(1, 1.0, 0.85, false)]
    [InlineData(1, 1.0, 0.90, true)]
    public void Peers_WhenTheFastestIsSlower_HoldsBySpeedOrByLimit(int tokens, double ratio, double share, bool holds)
    {
        Bar[] bars = [.. BarsOf(TestCells.Of("M", "f32", tokens, share, ratio)).Where(bar => bar.Number == 2)];

        Assert.Equal(2, bars.Length);
        Assert.Equal(holds, bars[0].Holds);
        Assert.True(bars[1].Holds);
    }

    [Theory]
    [InlineData("O", 2.0, true)]
    [InlineData("Q", 1.99, false)]
    [InlineData("X", 1.99, false)]
    public void Peers_WhenManyExpertsShareSixtyFourTokens_AskForTwice(string shape, double ratio, bool holds)
    {
        Bar bar = Assert.Single(BarsOf(TestCells.Of(shape, "q8", 64, 0.1, ratio)), b => b.Text.Contains("peer / 2.0", StringComparison.Ordinal));

        Assert.Equal(holds, bar.Holds);
    }

    [Theory]
    [InlineData(0.98, true)]
    [InlineData(0.97, false)]
    public void Peers_WhenAPeerIsFaster_AllowThreePercent(double ratio, bool holds)
    {
        Bar bar = Assert.Single(BarsOf(TestCells.Of("S", "q8", 64, 0.9, ratio)), b => b.Text.StartsWith("at most 3 %", StringComparison.Ordinal));

        Assert.Equal(holds, bar.Holds);
    }

    [Theory]
    [InlineData(1.02, LayerFloor.Bytes, 8, false)]
    [InlineData(1.03, LayerFloor.Bytes, 8, true)]
    // Half of the experts fit into the cache: more than the bandwidth of memory is possible.
    [InlineData(1.30, LayerFloor.Bytes, 2, false)]
    [InlineData(1.03, LayerFloor.Flops, 2, true)]
    public void VoidsRun_WhenALimitIsExceeded_SaysSo(double share, string binds, int caches, bool expected) =>
        Assert.Equal(expected, LayerBars.VoidsRun(TestCells.Of(share: share, binds: binds, expertBytes: caches * TestCells.L3Bytes), TestCells.L3Bytes));

    // ggml reached 0.78 of its own limit there.
    [Theory]
    [InlineData(2, 2.0, 0.70, 0.897, false)]
    [InlineData(2, 2.0, 0.80, 1.026, true)]
    [InlineData(2, 0.90, 0.80, 0.90, false)]
    [InlineData(2, null, 0.70, 0.897, false)]
    [InlineData(1, 2.0, 0.70, 2.0, true)]
    public void Peers_WhenGgmlWasMeasuredElsewhere_CompareByShareOfLimit(int threads, double? ratio, double share, double reached, bool holds)
    {
        Bar[] bars = [.. BarsOf(TestCells.Of("O", "q4", 1, share, ratio) with { Threads = threads }).Where(bar => bar.Number == 2)];

        Assert.Equal(2, bars.Length);
        Assert.All(bars, bar => Assert.Equal(reached, bar.Reached, 1e-3));
        Assert.Equal(holds, bars[1].Holds);
    }

    [Fact]
    public void Of_WhenACellIsVoid_HasNoBarThatHolds()
    {
        Bar[] bars = [.. BarsOf(TestCells.Of("O", "f32", 512, 1.03, 3, binds: LayerFloor.Flops))];

        Assert.Equal(3, bars.Length);
        Assert.All(bars, bar => Assert.Equal((false, true), (bar.Holds, bar.Void)));
        Assert.All(BarsOf(TestCells.Of("O", "f32", 512, 1.02, 3, binds: LayerFloor.Flops)), bar => Assert.Equal((true, false), (bar.Holds, bar.Void)));
    }

    [Fact]
    public void Limit_WhenOurBfloat16IsVoid_IsVoidBesideIt()
    {
        LayerCell bfloat16 = TestCells.Of("M", "bf16", 512, 1.1, milliseconds: 3, binds: LayerFloor.Flops);

        Bar bar = Assert.Single(LayerBars.Of([bfloat16, TestCells.Of("M", "q8", 512, 0.5, milliseconds: 1)], TestCells.L3Bytes), b => b.Format == "q8");

        Assert.Equal((false, true), (bar.Holds, bar.Void));
    }

    private static IEnumerable<Bar> BarsOf(LayerCell cell) => LayerBars.Of([cell], TestCells.L3Bytes);
}
