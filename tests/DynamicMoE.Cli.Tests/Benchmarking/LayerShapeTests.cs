using DynamicMoE.Cli.Benchmarking;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class LayerShapeTests
{
    [Theory]
    [InlineData("S", "256/512/8/2")]
    [InlineData("M", "768/3072/8/2")]
    [InlineData("O", "2048/1024/64/8")]
    [InlineData("Q", "2048/768/128/8")]
    [InlineData("X", "4096/14336/8/2")]
    public void Named_WhenAsked_HasTheNumbersOfTheGrid(string name, string numbers) => Assert.Equal(numbers, LayerShape.Named(name).Numbers);

    [Fact]
    public void With_WhenNumbersAreReplaced_IsNamedByThem() =>
        Assert.Equal("2048/1024/60/4", LayerShape.Named("O").With(null, null, 60, 4).Name);

    [Fact]
    public void With_WhenNothingChanges_KeepsItsName() => Assert.Equal("O", LayerShape.Named("O").With(2048, null, null, 8).Name);

    [Fact]
    public void FlopsPerToken_WhenAsked_IsTwoPerWeightOfTheChosenExperts() =>
        Assert.Equal(2L * 8 * 3 * 2048 * 1024, LayerShape.Named("O").FlopsPerToken);

    [Theory]
    [InlineData(64, 64, 4, 5, 1, "--k 5 exceeds the 4 experts of the shape")]
    [InlineData(1 << 20, 1 << 12, 4, 1, 1, "--hidden 1048576 times --width 4096 exceeds 2147483591, the most weights of a matrix")]
    [InlineData(1 << 20, 1, 4096, 1, 1, "--hidden 1048576 times --experts 4096 exceeds 2147483591, the most weights of a router")]
    [InlineData(1 << 20, 1, 4, 1, 4096, "--hidden 1048576 times 4096 tokens exceeds 2147483591, the most numbers of an array")]
    [InlineData(64, 64, 4, 4, 4096, null)]
    public void Problem_WhenAsked_NamesValueAndLimit(int hidden, int width, int experts, int k, int tokens, string? expected) =>
        Assert.Equal(expected, new LayerShape("t", hidden, width, experts, k).Problem(tokens));
}
