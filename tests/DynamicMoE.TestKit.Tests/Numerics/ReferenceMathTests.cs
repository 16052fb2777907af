using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Tests.Numerics;

public sealed class ReferenceMathTests
{
    // Values of erfc from Abramowitz and Stegun, table 7.1 and 7.3.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 0.4795001221869535)]
    [InlineData(1, 0.15729920705028513)]
    [InlineData(2, 0.004677734981047266)]
    [InlineData(3, 2.209049699858544e-05)]
    [InlineData(-1, 1.8427007929497148)]
    [InlineData(5, 1.5374597944280349e-12)]
    public void Erfc_WhenArgumentIsTabulated_MatchesTable(double x, double expected) =>
        Assert.Equal(1, ReferenceMath.Erfc(x) / expected, 1e-12);

    [Fact]
    public void Erfc_WhenMethodsMeet_IsContinuous() =>
        Assert.Equal(1, ReferenceMath.Erfc(2.5) / ReferenceMath.Erfc(2.5 - 1e-14), 1e-11);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0.8413447460685429)]
    [InlineData(-1, -0.15865525393145707)]
    public void GeluErf_WhenArgumentIsGiven_IsXTimesNormalCdf(double x, double expected) =>
        Assert.Equal(expected, ReferenceMath.GeluErf(x), 1e-14);

    [Fact]
    public void GeluTanh_WhenArgumentIsOne_MatchesClosedForm() =>
        Assert.Equal(0.8411919906082768, ReferenceMath.GeluTanh(1), 1e-12);

    [Fact]
    public void Sigmoid_WhenArgumentIsHuge_DoesNotOverflow()
    {
        Assert.Equal(1, ReferenceMath.Sigmoid(1e4));
        Assert.Equal(0, ReferenceMath.Sigmoid(-1e4));
    }

    [Fact]
    public void Softmax_WhenLogitsAreLogarithms_GivesTheirShares()
    {
        double[] p = ReferenceMath.Softmax([Math.Log(1), Math.Log(3), Math.Log(4)]);

        Assert.Equal([0.125, 0.375, 0.5], p, (a, b) => Math.Abs(a - b) < 1e-15);
    }

    [Fact]
    public void Entropy_WhenUniform_IsLogOfCount() =>
        Assert.Equal(Math.Log(8), ReferenceMath.Entropy(Enumerable.Repeat(0.125, 8).ToArray()), 1e-14);
}
