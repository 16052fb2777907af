using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.Tests.Estimation;

/// <summary>Raw values of the built-in estimators against their formulas.</summary>
public sealed class EstimatorTests
{
    private const int Tokens = 5;
    private const int Dim = 33;
    private readonly SeededRandom _random = new(1);

    [Fact]
    public void GradientNorm_WhenNoGradientsAreGiven_IsTheActivationNorm()
    {
        float[] hidden = _random.Gaussian(Tokens * Dim);

        AssertNorms(hidden, Raw(new GradientNormEstimator(), hidden, null));
    }

    [Fact]
    public void GradientNorm_WhenGradientsAreGiven_IsTheirNorm()
    {
        float[] gradients = _random.Gaussian(Tokens * Dim, 1e-3);

        AssertNorms(gradients, Raw(new GradientNormEstimator(), new float[Tokens * Dim], new RoutingContext { Gradients = gradients }));
    }

    [Theory]
    [InlineData(HeadAggregation.Mean, 1f, 1e-8f)]
    [InlineData(HeadAggregation.Max, 1f, 1e-8f)]
    [InlineData(HeadAggregation.Min, 1f, 1e-8f)]
    [InlineData(HeadAggregation.Mean, 0.5f, 1e-8f)]
    [InlineData(HeadAggregation.Mean, 3f, 1e-8f)]
    [InlineData(HeadAggregation.Mean, 1f, 0.01f)]
    public void AttentionEntropy_WhenAttentionIsGiven_MatchesTheFormula(HeadAggregation aggregation, float temperature, float epsilon)
    {
        const int heads = 3;
        const int keys = 7;
        float[] attention = _random.Uniform(Tokens * heads * keys);
        int[] visible = [1, 2, 5, 7, 7];
        for (int row = 0; row < Tokens * heads; row++)
        {
            Array.Clear(attention, row * keys + visible[row / heads], keys - visible[row / heads]);
        }

        float[] raw = Raw(
            new AttentionEntropyEstimator(new EstimatorOptions { HeadAggregation = aggregation, Temperature = temperature, Epsilon = epsilon }),
            new float[Tokens * Dim],
            new RoutingContext { AttentionWeights = attention, AttentionHeads = heads, VisibleKeys = visible });

        for (int token = 0; token < Tokens; token++)
        {
            double[] entropies = [.. Enumerable.Range(0, heads)
                .Select(h => Entropy(attention.AsSpan((token * heads + h) * keys, visible[token]), temperature, epsilon))];
            double expected = aggregation switch
            {
                HeadAggregation.Mean => entropies.Average(),
                HeadAggregation.Max => entropies.Max(),
                _ => entropies.Min(),
            };
            Tolerance.Score.AssertClose(expected, raw[token]);
        }
    }

    [Theory]
    [InlineData(0.5f)]
    [InlineData(1f)]
    [InlineData(3f)]
    public void PerplexityProxy_WhenLogitsAreGiven_IsTheirEntropy(float temperature)
    {
        const int vocabulary = 50;
        float[] logits = _random.Gaussian(Tokens * vocabulary, 2);

        float[] raw = Raw(
            new PerplexityProxyEstimator(new EstimatorOptions { Temperature = temperature }),
            new float[Tokens * Dim],
            new RoutingContext { LmHeadLogits = logits });

        for (int token = 0; token < Tokens; token++)
        {
            double[] scaled = [.. logits.Skip(token * vocabulary).Take(vocabulary).Select(l => (double)l / temperature)];
            Tolerance.Score.AssertClose(ReferenceMath.Entropy(ReferenceMath.Softmax(scaled)) / Math.Log(vocabulary), raw[token]);
        }
    }

    [Theory]
    [InlineData(ComplexityEstimators.AttentionEntropy)]
    [InlineData(ComplexityEstimators.PerplexityProxy)]
    public void Route_WhenTheHostSuppliesNothing_FallsBackToRouterEntropy(string name)
    {
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim, NumExperts = 6, ComplexityEstimator = name, EstimatorOptions = new EstimatorOptions { Normalize = false }, LoadBalancing = false,
        });
        using var reference = new DynamicRouter(router.Gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterEntropy });
        float[] hidden = _random.Gaussian(Tokens * Dim);
        var buffers = new RoutingBuffers(Tokens, 6, 6, false);
        var expected = new RoutingBuffers(Tokens, 6, 6, false);

        router.Route(hidden, Tokens, buffers);
        reference.Route(hidden, Tokens, expected);

        Tolerance.Score.AssertClose([.. expected.ComplexityScores.Select(s => (double)s)], buffers.ComplexityScores);
    }

    [Fact]
    public void Threshold_WhenAFunctionIsGiven_UsesItsValues()
    {
        var estimator = new ThresholdEstimator(hidden => hidden[0] > 0 ? 1 : 0.25f);
        float[] scores = Scores(estimator, [-1, 5, 2, 5], 2, 2);

        Assert.Equal([0.25f, 1f], scores);
        Assert.False(estimator.Normalize);
    }

    [Fact]
    public void Threshold_WhenNoFunctionIsGiven_SplitsAtTheRunningMedian()
    {
        var estimator = new ThresholdEstimator();
        float[] hidden = [.. Enumerable.Range(1, 100).Select(i => (float)i)];

        Assert.All(Scores(estimator, hidden, 100, 1), score => Assert.Equal(0.5f, score));
        estimator.Observe((float[])hidden.Clone(), null);

        Assert.Equal([0f, 1f], Scores(estimator, [20, 80], 2, 1));
    }

    [Fact]
    public void Score_WhenPercentileIsNinety_IsOneFromTheNinetiethOn()
    {
        var estimator = new GradientNormEstimator(new EstimatorOptions { Percentile = 90 });
        float[] hidden = [.. Enumerable.Range(1, 1000).Select(i => (float)i)];
        estimator.Observe((float[])hidden.Clone(), null);

        float[] scores = Scores(estimator, [450, 905, 1000], 3, 1);

        Assert.Equal(0.5, scores[0], 0.02);
        Assert.Equal(1f, scores[1]);
        Assert.Equal(1f, scores[2]);
    }

    [Fact]
    public void Observe_WhenFrozen_ChangesNothing()
    {
        var estimator = new GradientNormEstimator();
        estimator.Observe([1, 2, 3], null);
        float[] before = Scores(estimator, [2], 1, 1);
        estimator.Frozen = true;
        estimator.Observe([100, 200, 300], null);

        Assert.Equal(before, Scores(estimator, [2], 1, 1));
    }

    [Fact]
    public void Estimate_WhenContextDoesNotFit_NamesTheMember()
    {
        Throws("Gradients has 3", new GradientNormEstimator(), new RoutingContext { Gradients = new float[3] });
        Throws("AttentionWeights has 7", new AttentionEntropyEstimator(), new RoutingContext { AttentionWeights = new float[7] });
        Throws("AttentionHeads (0)", new AttentionEntropyEstimator(), new RoutingContext { AttentionWeights = new float[Tokens], AttentionHeads = 0 });
        Throws("VisibleKeys has 1", new AttentionEntropyEstimator(), new RoutingContext { AttentionWeights = new float[Tokens], VisibleKeys = new int[1] });
        Throws("LmHeadLogits has 7", new PerplexityProxyEstimator(), new RoutingContext { LmHeadLogits = new float[7] });
    }

    private static void Throws(string part, ComplexityEstimator estimator, RoutingContext context) => Assert.Contains(
        part,
        Assert.Throws<RoutingValidationException>(() => Raw(estimator, new float[Tokens * Dim], context)).Message,
        StringComparison.Ordinal);

    private static float[] Raw(ComplexityEstimator estimator, float[] hidden, RoutingContext? context)
    {
        var raw = new float[Tokens];
        estimator.Estimate(new EstimationInput(hidden, Tokens, Dim, context), raw);
        return raw;
    }

    private static float[] Scores(ComplexityEstimator estimator, float[] hidden, int tokens, int dim)
    {
        var scores = new float[tokens];
        estimator.Score(new EstimationInput(hidden, tokens, dim), new float[tokens], scores);
        return scores;
    }

    private static void AssertNorms(float[] rows, float[] raw)
    {
        for (int token = 0; token < Tokens; token++)
        {
            double norm = Math.Sqrt(rows.Skip(token * Dim).Take(Dim).Sum(x => (double)x * x));
            Tolerance.F32Norm(Dim).AssertClose(norm, raw[token]);
        }
    }

    private static double Entropy(ReadOnlySpan<float> weights, double temperature, double epsilon)
    {
        if (weights.Length == 1)
        {
            return 0;
        }

        double[] powers = [.. weights.ToArray().Select(w => Math.Pow(w, 1 / temperature))];
        double sum = powers.Sum();
        return powers.Sum(p => -p / sum * Math.Log((p / sum) + epsilon)) / Math.Log(powers.Length);
    }
}
