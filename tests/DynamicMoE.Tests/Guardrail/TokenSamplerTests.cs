namespace DynamicMoE.Tests.Guardrail;

/// <summary>Shares over 200,000 positions. Bounds are 4.5 standard errors: a sampler of the stated rate fails once in 150,000 seeds, one whose rate
/// is off by 9 standard errors (4 % of 0.05, 20 % of 0.01 of a tenth of the positions) passes as rarely.</summary>
public sealed class TokenSamplerTests
{
    private const int Positions = 200_000;

    [Theory]
    [InlineData(0.01, 0UL)]
    [InlineData(0.05, 7UL)]
    [InlineData(0.5, 123456789UL)]
    public void Takes_WhateverTheSeed_HasTheRate(double rate, ulong seed)
    {
        var sampler = new TokenSampler(rate, seed);
        int taken = Enumerable.Range(0, Positions).Count(p => sampler.Takes(p));

        AssertShare(rate, taken, Positions);

        // A decoder's positions come in strides when several sequences are batched.
        int strided = Enumerable.Range(0, Positions / 10).Count(p => sampler.Takes(p * 64L));
        AssertShare(rate, strided, Positions / 10);
    }

    [Fact]
    public void Takes_WhenSeedsDiffer_ChoosesIndependently()
    {
        var one = new TokenSampler(0.1, 1);
        var two = new TokenSampler(0.1, 2);

        AssertShare(0.01, Enumerable.Range(0, Positions).Count(p => one.Takes(p) && two.Takes(p)), Positions);
    }

    [Fact]
    public void Takes_WhenTheRateIsOne_TakesEverything()
    {
        var sampler = new TokenSampler(1, 5);

        Assert.All(Enumerable.Range(-500, 1000), p => Assert.True(sampler.Takes(p)));
        Assert.True(sampler.Takes(long.MaxValue) && sampler.Takes(long.MinValue));
    }

    private static void AssertShare(double rate, int taken, int of)
    {
        double error = Math.Sqrt(rate * (1 - rate) / of);
        Assert.InRange((double)taken / of, rate - 4.5 * error, rate + 4.5 * error);
    }
}
