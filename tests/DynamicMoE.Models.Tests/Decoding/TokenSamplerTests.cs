using DynamicMoE.TestKit.Memory;

namespace DynamicMoE.Models.Tests.Decoding;

public sealed class TokenSamplerTests
{
    private const int Draws = 20000;

    [Fact]
    public void Next_WhenTemperatureIsZero_TakesTheLowerOfEqualIds()
    {
        var sampler = new TokenSampler(new GenerationOptions());

        Assert.Equal(1, sampler.Next([0, 3, 3, -1]));
    }

    [Theory]
    [InlineData(0f, float.NaN)]
    [InlineData(1f, float.NaN)]
    [InlineData(1f, float.PositiveInfinity)]
    public void Next_WhenALogitIsNoNumber_NamesIt(float temperature, float logit)
    {
        var sampler = new TokenSampler(new GenerationOptions { Temperature = temperature });

        var e = Assert.Throws<RoutingValidationException>(() => sampler.Next([0, 3, logit, -1]));

        Assert.Contains("logits[2]", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, new TokenSampler(new GenerationOptions()).Next([0, 3, float.NegativeInfinity, -1]));
    }

    // p = softmax([2, 1, 0, -1]) at temperature 1: 0.6439, 0.2369, 0.0871, 0.0321.
    [Theory]
    [InlineData(0, 1f, new[] { 0.6439, 0.2369, 0.0871, 0.0321 })]
    [InlineData(2, 1f, new[] { 0.7311, 0.2689, 0, 0 })]
    [InlineData(0, 0.7f, new[] { 0.7311, 0.2689, 0, 0 })]
    [InlineData(0, 0.6f, new[] { 1.0, 0, 0, 0 })]
    [InlineData(99, 0.9f, new[] { 0.6652, 0.2447, 0.0900, 0 })]
    public void Next_WhenRestricted_KeepsTheShareOfProbability(int topK, float topP, double[] expected)
    {
        double[] shares = Shares(new GenerationOptions { Temperature = 1, TopK = topK, TopP = topP, Seed = 3 }, [2, 1, 0, -1]);

        // Five standard errors of a share: 5 * sqrt(0.25 / 20000) = 0.018.
        Assert.All(expected.Zip(shares), pair => Assert.InRange(pair.Second, pair.First - 0.018, pair.First + 0.018));
    }

    [Fact]
    public void Next_WhenTemperatureIsTwo_FlattensTheShares()
    {
        // softmax([1, 0.5, 0, -0.5])
        double[] shares = Shares(new GenerationOptions { Temperature = 2, Seed = 4 }, [2, 1, 0, -1]);

        Assert.All(new[] { 0.4551, 0.2760, 0.1674, 0.1015 }.Zip(shares), pair => Assert.InRange(pair.Second, pair.First - 0.018, pair.First + 0.018));
    }

    [Fact]
    public void Next_WhenLogitsAreLarge_DoesNotOverflow()
    {
        double[] shares = Shares(new GenerationOptions { Temperature = 0.01f, Seed = 5 }, [3e38f, -3e38f, 0, 1]);

        Assert.Equal(1, shares[0]);
    }

    [Fact]
    public void Next_WhenLogitsAreMany_KeepsTheSmallestSetThatHoldsTheMass()
    {
        // Weights 1, 1/2, 1/4... of 200 tokens: three hold 7/8 of their sum, four hold 15/16.
        float[] logits = [.. Enumerable.Range(0, 200).Select(i => -i * MathF.Log(2))];
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 1, TopP = 0.9f }, seed: 9);

        int[] drawn = [.. Enumerable.Range(0, 2000).Select(_ => sampler.Next(logits)).Distinct().Order()];

        Assert.Equal([0, 1, 2, 3], drawn);
    }

    [Fact]
    public void Next_WhenSeedIsGiven_TakesItInPlaceOfTheOptions()
    {
        var options = new GenerationOptions { Temperature = 1, Seed = 1 };
        float[] logits = [1, 1, 1, 1, 1, 1, 1, 1];

        int[] Draw(TokenSampler sampler) => [.. Enumerable.Range(0, 40).Select(_ => sampler.Next(logits))];

        Assert.Equal(Draw(new TokenSampler(new GenerationOptions { Temperature = 1, Seed = 2 })), Draw(new TokenSampler(options, 2)));
        Assert.NotEqual(Draw(new TokenSampler(options)), Draw(new TokenSampler(options, 2)));
    }

    [Theory]
    [InlineData(0f, 0, 1f)]
    [InlineData(1f, 0, 1f)]
    [InlineData(1f, 0, 0.9f)]
    [InlineData(1f, 5, 0.9f)]
    public void Next_WhenWarm_AllocatesNothing(float temperature, int topK, float topP)
    {
        var sampler = new TokenSampler(new GenerationOptions { Temperature = temperature, TopK = topK, TopP = topP });
        float[] logits = [.. Enumerable.Range(0, 64).Select(i => i * 7 % 13 * 0.3f)];
        int token = -1;

        Assert.Equal(0, AllocatedBytes.Least(() => token = sampler.Next(logits)));
        Assert.InRange(token, 0, 63);
    }

    [Fact]
    public void Next_WhenNothingIsGiven_SaysSo()
    {
        Assert.Throws<RoutingValidationException>(() => new TokenSampler().Next([]));
        Assert.Throws<RouterConfigurationException>(() => new TokenSampler(new GenerationOptions { TopP = 0 }));
        Assert.Equal(0, new TokenSampler(new GenerationOptions { Temperature = 1 }).Next([float.NegativeInfinity, float.NegativeInfinity]));
    }

    private static double[] Shares(GenerationOptions options, float[] logits)
    {
        var sampler = new TokenSampler(options);
        var counts = new double[logits.Length];
        for (int i = 0; i < Draws; i++)
        {
            counts[sampler.Next(logits)] += 1.0 / Draws;
        }

        return [.. counts.Select(c => Math.Round(c, 9))];
    }
}
