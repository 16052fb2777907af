using DynamicMoE.TestKit.Attention;

namespace DynamicMoE.TestKit.Tests.Attention;

public sealed class ReferenceAttentionTests
{
    private static readonly AttentionShape One = new() { QueryHeads = 1, KvHeads = 1, HeadDim = 1, Scale = 1 };

    [Fact]
    public void Run_WhenKeysAreEqual_AveragesTheVisibleValues()
    {
        (double[] output, double[] entropy) = ReferenceAttention.Run(One, [1, 1, 1], [0, 0, 0], [3, 6, 12]);

        Assert.Equal([3, 4.5, 7], output, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0, 1, 1], entropy, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Run_WhenScoreIsLogThree_WeighsThreeToOne()
    {
        (double[] output, double[] entropy) = ReferenceAttention.Run(
            One with { FirstPosition = 1, Scale = 0.5 }, [2], [0, Math.Log(3)], [0, 8]);

        Assert.Equal(6, output[0], 1e-12);
        Assert.Equal(-((0.75 * Math.Log(0.75)) + (0.25 * Math.Log(0.25))) / Math.Log(2), entropy[0], 1e-12);
    }

    [Fact]
    public void Run_WhenWindowIsTwo_SeesItselfAndOneBefore() =>
        Assert.Equal([3, 4.5, 9], ReferenceAttention.Run(One with { Window = 2 }, [1, 1, 1], [0, 0, 0], [3, 6, 12]).Output);

    [Fact]
    public void Run_WhenHeadsShareKeys_NeighboursUseTheSameKvHead()
    {
        AttentionShape shape = One with { QueryHeads = 4, KvHeads = 2 };

        Assert.Equal([5.0, 5, 7, 7], ReferenceAttention.Run(shape, [1, 1, 1, 1], [0, 0], [5, 7]).Output);
    }

    [Fact]
    public void Rope_WhenPositionIsZero_ChangesNothing()
    {
        double[] row = [1, 2, 3, 4];

        ReferenceRope.Apply(row, 4, 0, 10000);

        Assert.Equal([1.0, 2, 3, 4], row);
    }

    [Fact]
    public void Rope_WhenPositionIsOne_RotatesHalvesByTheirFrequencies()
    {
        // head_dim 4: pairs (0,2) at frequency 1 and (1,3) at 1/100.
        double[] row = [1, 1, 0, 0];

        ReferenceRope.Apply(row, 4, 1, 10000);

        Assert.Equal(
            [Math.Cos(1), Math.Cos(0.01), Math.Sin(1), Math.Sin(0.01)], row, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Rope_WhenBothSidesShift_TheirDotStays()
    {
        Assert.Equal(RotatedDot(3, 1), RotatedDot(13, 11), 1e-10);
        Assert.NotEqual(RotatedDot(3, 1), RotatedDot(4, 1), 1e-3);
    }

    private static double RotatedDot(int first, int second)
    {
        double[] a = [1, 2, 3, 4], b = [0.5, -1, 2, 1];
        ReferenceRope.Apply(a, 4, first, 100);
        ReferenceRope.Apply(b, 4, second, 100);
        return a.Zip(b, (x, y) => x * y).Sum();
    }
}
