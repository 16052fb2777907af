namespace DynamicMoE.Models.Tests.Decoding;

public sealed class SamplerTests
{
    private const int Draws = 20000;

    [Fact]
    public void Draw_WhenTemperatureIsZero_TakesTheLowerOfEqualIds()
    {
        var sampler = new Sampler(new GenerationOptions(), 4);

        Assert.Equal(1, sampler.Draw([0, 3, 3, -1]));
    }

    [Theory]
    [InlineData(0f, float.NaN)]
    [InlineData(1f, float.NaN)]
    [InlineData(1f, float.PositiveInfinity)]
    public void Draw_WhenALogitIsNoNumber_NamesIt(float temperature, float logit)
    {
        var sampler = new Sampler(new GenerationOptions { Temperature = temperature }, 4);

        var e = Assert.Throws<RoutingValidationException>(() => sampler.Draw([0, 3, logit, -1]));

        Assert.Contains("logits[2]", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, new Sampler(new GenerationOptions(), 4).Draw([0, 3, float.NegativeInfinity, -1]));
    }

    // p = softmax([2, 1, 0, -1]) at temperature 1: 0.6439, 0.2369, 0.0871, 0.0321.
    [Theory]
    [InlineData(0, 1f, new[] { 0.6439, 0.2369, 0.0871, 0.0321 })]
    [InlineData(2, 1f, new[] { 0.7311, 0.2689, 0, 0 })]
    [InlineData(0, 0.7f, new[] { 0.7311, 0.2689, 0, 0 })]
    [InlineData(0, 0.6f, new[] { 1.0, 0, 0, 0 })]
    [InlineData(99, 0.9f, new[] { 0.6652, 0.2447, 0.0900, 0 })]
    public void Draw_WhenRestricted_KeepsTheShareOfProbability(int topK, float topP, double[] expected)
    {
        double[] shares = Shares(new GenerationOptions { Temperature = 1, TopK = topK, TopP = topP, Seed = 3 }, [2, 1, 0, -1]);

        // Five standard errors of a share: 5 * sqrt(0.25 / 20000) = 0.018.
        Assert.All(expected.Zip(shares), pair => Assert.InRange(pair.Second, pair.First - 0.018, pair.First + 0.018));
    }

    [Fact]
    public void Draw_WhenTemperatureIsTwo_FlattensTheShares()
    {
        // softmax([1, 0.5, 0, -0.5])
        double[] shares = Shares(new GenerationOptions { Temperature = 2, Seed = 4 }, [2, 1, 0, -1]);

        Assert.All(new[] { 0.4551, 0.2760, 0.1674, 0.1015 }.Zip(shares), pair => Assert.InRange(pair.Second, pair.First - 0.018, pair.First + 0.018));
    }

    [Fact]
    public void Draw_WhenLogitsAreLarge_DoesNotOverflow()
    {
        double[] shares = Shares(new GenerationOptions { Temperature = 0.01f, Seed = 5 }, [3e38f, -3e38f, 0, 1]);

        Assert.Equal(1, shares[0]);
    }

    private static double[] Shares(GenerationOptions options, float[] logits)
    {
        var sampler = new Sampler(options, logits.Length);
        var counts = new double[logits.Length];
        for (int i = 0; i < Draws; i++)
        {
            counts[sampler.Draw(logits)] += 1.0 / Draws;
        }

        return [.. counts.Select(c => Math.Round(c, 9))];
    }
}
