using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Estimation;

/// <summary>Inputs that break careless formulas, with the value that the formula has in the limit.</summary>
public sealed class EstimatorHostileTests
{
    [Theory]
    [InlineData("all_equal", 1, 1)]
    [InlineData("denormal", 1, 1)]
    [InlineData("signed_zero", 1, 1)]
    [InlineData("one_hot", 0, 0)]
    [InlineData("huge", 0, 0)]
    public void RouterScores_WhenLogitsAreExtreme_HaveTheLimit(string kind, float margin, float entropy)
    {
        const int experts = 8;
        float[] logits = RouterLogits.Finite(kind, 6, experts);
        foreach ((string name, float expected) in new[] { (ComplexityEstimators.RouterMargin, margin), (ComplexityEstimators.RouterEntropy, entropy) })
        {
            using GateWeights gate = Gates.Identity(experts);
            using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = name });
            var buffers = new RoutingBuffers(6, 1, experts, false);
            router.Route(logits, 6, buffers);

            Assert.All(buffers.ComplexityScores, score => Assert.Equal(expected, score, 1e-6f));
        }
    }

    [Theory]
    [InlineData("all_equal", 1)]
    [InlineData("denormal", 1)]
    [InlineData("one_hot", 0)]
    [InlineData("huge", 0)]
    public void PerplexityProxy_WhenLogitsAreExtreme_HasTheLimit(string kind, float expected)
    {
        float[] raw = Raw(new PerplexityProxyEstimator(), new float[6], new RoutingContext { LmHeadLogits = RouterLogits.Finite(kind, 6, 8) });

        Assert.All(raw, value => Assert.Equal(expected, value, 1e-6f));
    }

    [Theory]
    [InlineData(0.25f, 1)]
    [InlineData(1e-42f, 1)]
    [InlineData(3e38f, 1)]
    [InlineData(0f, 0)]
    public void AttentionEntropy_WhenEveryWeightIsTheSame_IsOneWhateverItsSize(float weight, float expected)
    {
        var attention = new float[6 * 8];
        Array.Fill(attention, weight);

        Assert.All(
            Raw(new AttentionEntropyEstimator(), new float[6], new RoutingContext { AttentionWeights = attention }),
            value => Assert.Equal(expected, value, 1e-5f));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AttentionEntropy_WhenATokenSeesFewerThanTwoKeys_IsZero(int visible)
    {
        float[] attention = [1, 0, 0, 0];

        Assert.Equal([0f], Raw(new AttentionEntropyEstimator(), [0], new RoutingContext { AttentionWeights = attention, VisibleKeys = new[] { visible } }));
    }

    [Fact]
    public void AttentionEntropy_WhenOneKeyHasAll_IsZero()
    {
        float[] attention = [0, 1, 0, 0];

        Assert.Equal(0, Raw(new AttentionEntropyEstimator(), [0], new RoutingContext { AttentionWeights = attention })[0], 1e-6f);
    }

    [Fact]
    public void GradientNorm_WhenValuesAreDenormal_IsExact()
    {
        // Squares would vanish in single precision.
        Assert.Equal([5e-42f], Raw(new GradientNormEstimator(), [3e-42f, 4e-42f], null, 2));
    }

    [Fact]
    public void Score_WhenTheNormExceedsAFloat_NamesEstimatorAndRow()
    {
        float[] hidden = [1, 1, 3e38f, 3e38f];

        var error = Assert.Throws<ComplexityEstimationException>(() => Scores(new GradientNormEstimator(), hidden, 2, null));

        Assert.Equal("gradient_norm", error.EstimatorName);
        Assert.Contains("row 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Score_WhenAnInputIsNotFinite_NamesItAndTheLowestToken(float bad)
    {
        float[] values = [0, 0, 0, 0, 0, bad, 0, bad];
        Throws("hidden: token 2", new GradientNormEstimator(), values, null);
        Throws("Gradients: token 2", new GradientNormEstimator(), new float[8], new RoutingContext { Gradients = values });
        Throws("AttentionWeights: token 2", new AttentionEntropyEstimator(), new float[8], new RoutingContext { AttentionWeights = values, AttentionHeads = 2 });
        Throws("LmHeadLogits: token 2", new PerplexityProxyEstimator(), new float[8], new RoutingContext { LmHeadLogits = values });
    }

    [Fact]
    public void Score_WhenAttentionIsNegative_SaysSo() => Assert.Contains(
        "-0.5",
        Assert.Throws<RoutingValidationException>(() => Scores(
            new AttentionEntropyEstimator(), [0], 1, new RoutingContext { AttentionWeights = new[] { 1, -0.5f } })).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Score_WhenRawValuesSpanEveryFloat_StaysFinite()
    {
        var estimator = new Echo();
        estimator.Observe([float.MinValue, float.MaxValue], null);
        float[] scores = Scores(estimator, [float.MinValue, -1e38f, 0, 1e38f, float.MaxValue], 5, null);

        Assert.All(scores, score => Assert.InRange(score, 0, 1));
        Assert.Equal(scores.Order(), scores);
        Assert.Equal(0.5f, scores[2], 0.02f);
    }

    private static void Throws(string part, ComplexityEstimator estimator, float[] hidden, RoutingContext? context) => Assert.Contains(
        part, Assert.Throws<RoutingValidationException>(() => Scores(estimator, hidden, 4, context)).Message, StringComparison.Ordinal);

    private static float[] Raw(ComplexityEstimator estimator, float[] hidden, RoutingContext? context, int dim = 1)
    {
        var raw = new float[hidden.Length / dim];
        estimator.Estimate(new EstimationInput(hidden, raw.Length, dim, context), raw);
        return raw;
    }

    private static float[] Scores(ComplexityEstimator estimator, float[] hidden, int tokens, RoutingContext? context)
    {
        var scores = new float[tokens];
        estimator.Score(new EstimationInput(hidden, tokens, hidden.Length / tokens, context), new float[tokens], scores);
        return scores;
    }

    /// <summary>Takes the hidden state as the raw value.</summary>
    private sealed class Echo : ComplexityEstimator
    {
        public override string Name => "echo";

        public override void Estimate(in EstimationInput input, Span<float> raw) => input.Hidden.CopyTo(raw);
    }
}
