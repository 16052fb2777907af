using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

public sealed class TauSearchTests
{
    [Theory]
    [InlineData(1e-6)]
    [InlineData(0.01)]
    [InlineData(1.0)]
    [InlineData(40.0)]
    public void Find_WhenGapsAreSpread_KeepsAsManyAsAskedFor(double scale)
    {
        float[] gaps = [.. Enumerable.Range(0, 10_000).Select(i => (float)(scale * (i + 0.5) / 10_000))];
        GapHistogram histogram = Of(gaps);
        var search = new TauSearch(histogram);
        foreach (double count in new[] { 500.0, 2500, 7500, 9900 })
        {
            TauBracket found = search.Find(count);

            // A bin spans 1/32 of an octave and is read linearly.
            Assert.Equal(count, Kept(gaps, found.Nearest(count, false).Tau), 0.003 * 10_000 + (scale < 1e-4 ? 700 : 0));
        }
    }

    [Theory]
    [InlineData(0.5f)]
    [InlineData(3e-5f)]
    [InlineData(17.25f)]
    public void Find_WhenHalfTheGapsAreEqual_BracketsThem(float atom)
    {
        var random = new SeededRandom(51);
        float[] gaps = [.. Enumerable.Range(0, 4000).Select(i => i % 2 == 0 ? atom : (float)(atom * 2 * random.NextDouble()))];
        TauBracket found = new TauSearch(Of(gaps)).Find(2000);

        Assert.Equal(1000, found.LowCount, 70.0);
        Assert.Equal(3000, found.HighCount, 70.0);
        // Taus are 6e-8 apart as gaps: a few gaps beside the smallest of the atoms fall to its side.
        Assert.InRange(gaps.Count(g => g < atom) - Kept(gaps, found.LowTau), 0, 5);
        Assert.InRange(Kept(gaps, found.HighTau) - gaps.Count(g => g <= atom), 0, 5);
    }

    [Theory]
    [InlineData(0f, 4000, 4000)]
    [InlineData(1e-42f, 0, 4000)]
    [InlineData(1e-9f, 0, 4000)]
    [InlineData(100f, 0, 4000)]
    [InlineData(1e30f, 0, 4000)]
    public void Find_WhenAllGapsAreEqual_KnowsWhatTausCanKeep(float atom, double low, double high)
    {
        float[] gaps = [.. Enumerable.Repeat(atom, 4000)];
        TauBracket found = new TauSearch(Of(gaps)).Find(2000);

        Assert.Equal((low, high), (found.LowCount, found.HighCount));
        Assert.Equal(low, Kept(gaps, found.LowTau));
        Assert.Equal(high, Kept(gaps, found.HighTau));
    }

    [Fact]
    public void Find_WhenMoreIsAskedThanThereIs_KeepsAll()
    {
        float[] gaps = [1, 2, float.PositiveInfinity];
        TauBracket found = new TauSearch(Of(gaps)).Find(2.5);

        Assert.Equal(TauBracket.Exactly(0, 2), found);
    }

    [Fact]
    public void Find_WhateverTheGaps_BracketsWhatIsAskedFor()
    {
        var random = new SeededRandom(52);
        for (int run = 0; run < 200; run++)
        {
            double scale = Math.Exp(6 * random.NextGaussian());
            float[] atoms = [.. Enumerable.Range(0, 1 + (run % 4)).Select(i => (float)(scale * (i + (0.9 * random.NextDouble())) / 4))];
            float[] gaps = [.. Enumerable.Range(0, 3000).Select(_ => random.NextDouble() < 0.2 * (run % 5)
                ? atoms[random.NextInt(0, atoms.Length)]
                : (float)(scale * random.NextDouble()))];
            GapHistogram histogram = Of(gaps);
            var search = new TauSearch(histogram);
            // Taus near 1 lie 6e-8 apart as gaps: where all gaps are that small, what falls between two of them goes to either.
            double tolerance = 90 + (3000 * Math.Min(1, 6e-8 / scale));
            float lastTau = 1;
            for (int step = 1; step < 20; step++)
            {
                double count = step * 150;
                TauBracket found = search.Find(count);

                Assert.True(found.LowCount <= count + 1e-6 && found.HighCount >= count - 1e-6, $"run {run}: {found} for {count}");
                Assert.InRange(found.LowTau, found.HighTau, 1);
                Assert.True(found.HighTau <= lastTau, $"run {run}: {found.HighTau} after {lastTau}");
                Assert.Equal(found.LowCount, Kept(gaps, found.LowTau), tolerance);
                Assert.Equal(found.HighCount, Kept(gaps, found.HighTau), tolerance);
                lastTau = found.HighTau;
            }
        }
    }

    [Fact]
    public void Nearest_WhenNoiseMovesTheMiddle_KeepsItsSide()
    {
        var bracket = new TauBracket(0.6f, 100, 0.4f, 200);

        Assert.False(bracket.Nearest(154, wasHigh: false).High);
        Assert.True(bracket.Nearest(156, wasHigh: false).High);
        Assert.True(bracket.Nearest(146, wasHigh: true).High);
        Assert.False(bracket.Nearest(144, wasHigh: true).High);
    }

    private static GapHistogram Of(float[] gaps)
    {
        var histogram = new GapHistogram();
        foreach (float gap in gaps)
        {
            histogram.AddToken();
            histogram.AddGap(gap);
        }

        return histogram;
    }

    private static int Kept(float[] gaps, float tau) => gaps.Count(g => g <= ThresholdRule.Limit(tau));
}
