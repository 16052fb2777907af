using DynamicMoE.Cli.Sweep;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class RankTableTests
{
    private static readonly RankTable Table = new([3, 1, 2, 2]);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0.125)]
    [InlineData(1.5, 0.25)]
    [InlineData(2, 0.5)]
    [InlineData(3, 0.875)]
    [InlineData(float.PositiveInfinity, 1)]
    public void Share_WhenValuesAreEqual_CountsThemHalf(float value, float expected) => Assert.Equal(expected, Table.Share(value));

    [Fact]
    public void Share_WhenNothingWasSeen_IsAHalf() => Assert.Equal(0.5f, new RankTable([]).Share(7));
}
