using DynamicMoE.Cli.Benchmarking;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class CellArithmeticTests
{
    private static readonly LayerLimits Limits = new(2, 1e12, 2e12, 4e12, 1e10);

    [Theory]
    [InlineData(2, new double[] { 3, 1, 2 })]
    [InlineData(2.5, new double[] { 4, 1, 3, 2 })]
    public void Median_WhenAsked_IsTheMiddle(double expected, double[] values) => Assert.Equal(expected, CellArithmetic.Median(values));

    [Fact]
    public void Peer_WhenRepetitionsDiffer_TakesTheMedianOfTheirQuotients()
    {
        // Quotients 3, 1 and 2; the quotient of the medians would be 2 / 2 = 1.
        PeerTiming peer = CellArithmetic.Peer("other", [3, 2, 2], [1, 2, 1], 0.5);

        Assert.Equal(new PeerTiming("other", 2000, 2000, 2, 0.5), peer);
    }

    [Fact]
    public void Cell_WhenTimesAreKnown_HasRatesAndShareOfTheLimit()
    {
        var weights = new LayerWeights(new LayerShape("t", 64, 96, 8, 2), WeightFormat.Float32, 1);
        var batches = new TokenBatches(new TokenPool(weights, 1), 1);

        LayerCell cell = CellArithmetic.Cell(weights, batches, [0.002, 0.001, 0.004], l3Bytes: 0, Limits);

        Assert.Equal((2, 1, 3), (cell.Milliseconds, cell.FastestMilliseconds, cell.Repetitions));
        Assert.Equal((2, 2), (cell.Threads, cell.DistinctExperts));
        Assert.Equal(8 * 4 * 18432, cell.ExpertBytes);
        Assert.Equal(2 * 2 * 18432 / 0.002 / 1e9, cell.Gflops, 1e-9);
        Assert.Equal(2 * 4 * 18432 / 0.002 / 1e9, cell.GbPerS, 1e-9);
        Assert.Equal(1000 * 2 * 4 * 18432 / 1e10, cell.FloorMilliseconds, 1e-9);
        Assert.Equal(cell.FloorMilliseconds / 2, cell.ShareOfLimit, 1e-9);
        Assert.Equal(("bytes", cell.ShareOfLimit), (cell.Binds, cell.ByteShare));
    }
}
