using DynamicMoE.Cli.Sweep;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class PairedStatisticsTests
{
    [Fact]
    public void Difference_WhenWindowsDiffer_IsTheSumWithTheErrorOfTheSum()
    {
        Estimate difference = PairedStatistics.Difference([2, 4, 6, 8], [1, 2, 3, 8]);

        // Differences 1, 2, 3, 0: mean 1.5, variance 5/3, so the sum of four has variance 20/3.
        Assert.Equal(6, difference.Value);
        Assert.Equal(Math.Sqrt(20.0 / 3), difference.Error, 12);
        Assert.Equal(6 + (1.96 * Math.Sqrt(20.0 / 3)), difference.Upper, 12);
    }

    [Fact]
    public void Ratio_WhenEveryWindowLosesTheSameShare_HasNoError()
    {
        Estimate share = PairedStatistics.Ratio([1, 2, 4], [10, 20, 40]);

        Assert.Equal(0.1, share.Value, 12);
        Assert.Equal(0, share.Error, 12);
    }

    [Fact]
    public void Ratio_WhenSharesDiffer_HasTheErrorOfWhatIsNotExplained()
    {
        Estimate share = PairedStatistics.Ratio([0, 2], [10, 10]);

        // Share 0.1, so loss - share * gap is -1 and 1: variance 2, of a sum of two 4, error 2 over a gap of 20.
        Assert.Equal(0.1, share.Value, 12);
        Assert.Equal(0.1, share.Error, 12);
    }

    [Fact]
    public void Upper_WhenWindowsAreDrawnAnew_CoversTheTrueShare()
    {
        // 400 experiments of 200 windows with a true share of 0.1; 97.5 % of the bounds lie above it. Fewer than 94 % has probability 1e-4.
        var random = new Random(20261125);
        int covered = 0;
        for (int experiment = 0; experiment < 400; experiment++)
        {
            double[] gaps = [.. Enumerable.Range(0, 200).Select(_ => 1 + Gaussian(random))];
            double[] losses = [.. gaps.Select(gap => (0.1 * gap) + (0.5 * Gaussian(random)))];
            covered += PairedStatistics.Ratio(losses, gaps).Upper > 0.1 ? 1 : 0;
        }

        Assert.InRange(covered, 376, 400);
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
