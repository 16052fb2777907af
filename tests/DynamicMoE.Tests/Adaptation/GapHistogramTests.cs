namespace DynamicMoE.Tests.Adaptation;

public sealed class GapHistogramTests
{
    [Theory]
    [InlineData(1e-30f)]
    [InlineData(1e-6f)]
    [InlineData(0.01f)]
    [InlineData(1.0f)]
    [InlineData(200f)]
    public void BinOf_WhateverTheGap_HasItWithinTheBinsEdges(float gap)
    {
        int bin = GapHistogram.BinOf(gap);

        Assert.InRange(gap, GapHistogram.LowerEdge(bin), GapHistogram.LowerEdge(bin + 1));
    }

    [Theory]
    [InlineData(-1f)]
    [InlineData(0f)]
    public void AddGap_WhenItIsZero_IsCountedApart(float gap)
    {
        var histogram = new GapHistogram();
        histogram.AddGap(gap);

        Assert.Equal(1, histogram.Zeros);
        Assert.Equal(0, histogram.CountOf(0));
    }

    [Theory]
    [InlineData(1e30f, GapHistogram.Bins - 1)]
    [InlineData(1e-30f, 0)]
    public void AddGap_WhenOutsideTheOctaves_GoesToTheOuterBins(float gap, int bin)
    {
        var histogram = new GapHistogram();
        histogram.AddGap(gap);

        Assert.Equal(1, histogram.CountOf(bin));
    }

    [Fact]
    public void AtomOf_WhenAGapHasTheMajorityOfItsBin_IsThatGapWhateverTheOrder()
    {
        for (int shift = 0; shift < 10; shift++)
        {
            var histogram = new GapHistogram();
            for (int i = 0; i < 1000; i++)
            {
                // 70 % are equal; the others of the bin differ from one another.
                histogram.AddGap((i + shift) % 10 < 7 ? 1.01f : 1 + (i * 1e-5f));
            }

            GapAtom atom = histogram.AtomOf(GapHistogram.BinOf(1.01f));

            Assert.Equal(1.01f, atom.Gap);
            Assert.InRange(atom.Count, 690, 700);
        }
    }

    [Fact]
    public void AtomOf_WhenGapsDiffer_IsNone()
    {
        var histogram = new GapHistogram();
        for (int i = 0; i < 1000; i++)
        {
            histogram.AddGap(1 + (i * 1e-5f));
        }

        Assert.Equal(0, histogram.AtomOf(GapHistogram.BinOf(1)).Count);
    }

    [Fact]
    public void Decay_WhenApplied_ShrinksEveryCount()
    {
        var histogram = new GapHistogram();
        for (int i = 0; i < 100; i++)
        {
            histogram.AddToken();
            histogram.AddGap(0);
            histogram.AddGap(2);
        }

        histogram.Decay(0.5);

        Assert.Equal((50, 50, 50), (histogram.Tokens, histogram.Zeros, histogram.CountOf(GapHistogram.BinOf(2))));
        Assert.Equal(new GapAtom(2, 50, 50), histogram.AtomOf(GapHistogram.BinOf(2)));
    }
}
