using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.TestKit.Tests.Generators;

public sealed class GeneratorTests
{
    [Fact]
    public void NextBits_WhenSeedIsZero_IsTheKnownSplitMixSequence()
    {
        // First outputs of the published splitmix64.c for state 0.
        var random = new SeededRandom(0);

        Assert.Equal(0xE220A8397B1DCDAFUL, random.NextBits());
        Assert.Equal(0x6E789E6AA1B965F4UL, random.NextBits());
    }

    [Fact]
    public void Gaussian_WhenManyAreDrawn_HasItsMoments()
    {
        float[] values = new SeededRandom(1).Gaussian(20000, 2);

        Assert.Equal(0, values.Average(), 0.05);
        Assert.Equal(4, values.Average(v => v * v), 0.15);
    }

    [Fact]
    public void Finite_WhenEveryCaseIsMade_AllValuesAreFinite() =>
        Assert.All(RouterLogits.FiniteCases, name => Assert.All(RouterLogits.Finite(name, 7, 8), v => Assert.True(float.IsFinite(v))));

    [Fact]
    public void Refused_WhenEveryCaseIsMade_OnlyTheNamedTokenIsBad() =>
        Assert.All(RouterLogits.RefusedCases, name =>
        {
            float[] logits = RouterLogits.Refused(name, 7, 8, badToken: 2);
            Assert.Equal([2], logits.Index().Where(x => !float.IsFinite(x.Item)).Select(x => x.Index / 8).Distinct());
        });

    [Fact]
    public void Finite_WhenNameIsUnknown_ListsTheNames() =>
        Assert.Contains("one_hot", Assert.Throws<ArgumentException>(() => RouterLogits.Finite("nope", 1, 1)).Message, StringComparison.Ordinal);
}
