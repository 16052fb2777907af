using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Tests.Routing;

public sealed class ReferenceScoresTests
{
    [Fact]
    public void L2Norm_WhenRowIsThreeFour_IsFive() => Assert.Equal(5, ReferenceScores.L2Norm([3, 4]));

    [Fact]
    public void SoftmaxEntropy_WhenUniform_IsOneAndWhenOneColumn_IsZero()
    {
        Assert.Equal(1, ReferenceScores.SoftmaxEntropy([2, 2, 2]), 1e-12);
        Assert.Equal(0, ReferenceScores.SoftmaxEntropy([7]));
    }

    [Fact]
    public void SoftmaxEntropy_WhenTemperatureIsTwo_HalvesTheLogits() =>
        Assert.Equal(ReferenceScores.SoftmaxEntropy([1, 2, 3]), ReferenceScores.SoftmaxEntropy([2, 4, 6], 2), 1e-12);

    [Fact]
    public void SoftmaxMargin_WhenLogitsAreLogarithms_IsTheirRatio() =>
        Assert.Equal(0.75, ReferenceScores.SoftmaxMargin([Math.Log(4), 0, Math.Log(3)]), 1e-12);

    [Theory]
    [InlineData(ReferenceHeads.Mean, 0.5)]
    [InlineData(ReferenceHeads.Max, 1)]
    [InlineData(ReferenceHeads.Min, 0)]
    public void AttentionEntropy_WhenOneHeadIsSureAndOneIsNot_CombinesThem(ReferenceHeads heads, double expected) =>
        Assert.Equal(expected, ReferenceScores.AttentionEntropy([1, 0, 0, 0.5, 0.5, 0], 2, 2, 1, heads), 1e-12);

    [Fact]
    public void AttentionEntropy_WhenTemperatureIsAHalf_SquaresTheWeights()
    {
        // 1/3 and 2/3 squared and normalised are 0.2 and 0.8.
        double expected = -((0.2 * Math.Log(0.2)) + (0.8 * Math.Log(0.8))) / Math.Log(2);

        Assert.Equal(expected, ReferenceScores.AttentionEntropy([1 / 3.0, 2 / 3.0], 1, 2, 0.5, ReferenceHeads.Mean), 1e-12);
    }
}
