using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Estimation;

/// <summary>What holds for every input of the built-in estimators.</summary>
public sealed class EstimatorPropertyTests
{
    // Values that were computed twice, in another order or at another scale, may differ by their own error bounds.
    private const double Slack = 1e-5;

    [Property(MaxTest = 60)]
    public void Score_WhateverTheInput_IsWithinTheUnitRange(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int tokens = random.NextInt(1, 30);
        int dim = random.NextInt(1, 40);
        ComplexityEstimator estimator = Any(random);
        string kind = RouterLogits.FiniteCases[random.NextInt(0, RouterLogits.FiniteCases.Count)];
        for (int batch = 0; batch < 3; batch++)
        {
            float[] hidden = RouterLogits.Finite(kind, tokens, dim, random.NextBits());
            RoutingContext context = Context(random, hidden, tokens, kind);
            var raw = new float[tokens];
            var scores = new float[tokens];

            estimator.Score(new EstimationInput(hidden, tokens, dim, context), raw, scores);
            Assert.All(raw, value => Assert.True(float.IsFinite(value)));
            Assert.All(scores, score => Assert.InRange(score, 0, 1));
            estimator.Observe(raw, context);
        }
    }

    [Property(MaxTest = 40)]
    public void Score_WhateverTheBatch_LooksAtTheTokenAlone(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        const int tokens = 12;
        int dim = random.NextInt(1, 40);
        ComplexityEstimator estimator = Any(random);
        float[] hidden = random.Gaussian(tokens * dim);
        RoutingContext context = Context(random, hidden, tokens, "gaussian");
        Assert.Equal(tokens, Score(estimator, hidden, tokens, context).Length);
        float[] seen = random.Uniform(200);
        estimator.Observe(seen, context);
        float[] together = Score(estimator, hidden, tokens, context);

        for (int token = 0; token < tokens; token++)
        {
            float[] alone = Score(estimator, [.. hidden.Skip(token * dim).Take(dim)], 1, Row(context, tokens, token));
            Assert.Equal(RoutingOracle.Bits([together[token]]), RoutingOracle.Bits(alone));
        }
    }

    [Property(MaxTest = 60)]
    public void AttentionEntropy_WhateverTheWeights_KeepsItsSymmetries(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int heads = random.NextInt(1, 5);
        int keys = random.NextInt(2, 50);
        int visible = random.NextInt(2, keys + 1);
        float[] weights = random.Uniform(heads * keys);
        for (int head = 0; head < heads; head++)
        {
            Array.Clear(weights, head * keys + visible, keys - visible);
        }

        float mean = Attention(weights, heads, visible, HeadAggregation.Mean);
        float most = Attention(weights, heads, visible, HeadAggregation.Max);
        float least = Attention(weights, heads, visible, HeadAggregation.Min);
        Assert.InRange(mean, least - Slack, most + Slack);

        // Neither the scale of the weights, nor the order of keys, nor masked keys at the end say anything.
        Assert.Equal(mean, Attention([.. weights.Select(w => w * 0.125f)], heads, visible, HeadAggregation.Mean), Slack);
        float[] turned = [.. Enumerable.Range(0, weights.Length).Select(i =>
            i % keys < visible ? weights[i / keys * keys + (i % keys + 1) % visible] : 0)];
        Assert.Equal(mean, Attention(turned, heads, visible, HeadAggregation.Mean), Slack);
        float[] longer = [.. Enumerable.Range(0, heads * (keys + 7)).Select(i => i % (keys + 7) < keys ? weights[i / (keys + 7) * keys + i % (keys + 7)] : 0)];
        Assert.Equal(mean, Attention(longer, heads, visible, HeadAggregation.Mean), Slack);

        // A higher temperature flattens.
        Assert.InRange(Attention(weights, heads, visible, HeadAggregation.Mean, 3), mean - Slack, 1);
        Assert.InRange(Attention(weights, heads, visible, HeadAggregation.Mean, 0.3f), 0, mean + Slack);
    }

    [Property(MaxTest = 60)]
    public void PerplexityProxy_WhateverTheLogits_KeepsItsSymmetries(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int vocabulary = random.NextInt(2, 200);
        float[] logits = random.Gaussian(vocabulary, 3);
        float value = Perplexity(logits, 1);

        Assert.Equal(value, Perplexity([.. logits.Select(l => l + 4)], 1), Slack);
        Assert.Equal(value, Perplexity([.. logits.Reverse()], 1), Slack);
        Assert.Equal(Perplexity(logits, 2), Perplexity([.. logits.Select(l => l / 2)], 1), Slack);
        Assert.InRange(Perplexity(logits, 3), value - Slack, 1);
    }

    [Property(MaxTest = 60)]
    public void RouterScores_WhateverTheLogits_MatchTheirFormulas(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int experts = random.NextInt(1, 40);
        string kind = RouterLogits.FiniteCases[random.NextInt(0, RouterLogits.FiniteCases.Count)];
        float[] logits = RouterLogits.Finite(kind, 10, experts, random.NextBits());
        float[] margin = RouterScores(ComplexityEstimators.RouterMargin, logits, experts);
        float[] entropy = RouterScores(ComplexityEstimators.RouterEntropy, logits, experts);

        for (int token = 0; token < 10; token++)
        {
            double[] row = [.. logits.Skip(token * experts).Take(experts).Select(l => (double)l)];
            Tolerance.Score.AssertClose(ReferenceScores.SoftmaxMargin(row), margin[token]);
            Tolerance.Score.AssertClose(ReferenceScores.SoftmaxEntropy(row), entropy[token]);
        }
    }

    [Property(MaxTest = 60)]
    public void GradientNorm_WhenRowsGrow_NeverScoresLower(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        var estimator = new GradientNormEstimator(new EstimatorOptions { Percentile = 1 + 99 * random.NextDouble() });
        estimator.Observe([.. random.Gaussian(500).Select(Math.Abs)], null);
        float[] norms = [.. random.Gaussian(40, 2).Select(Math.Abs).Order()];
        float[] scores = Score(estimator, norms, 40, null);

        Assert.Equal(scores.Order(), scores);
    }

    private static ComplexityEstimator Any(SeededRandom random) => random.NextInt(0, 5) switch
    {
        0 => new GradientNormEstimator(new EstimatorOptions { Percentile = 1 + 99 * random.NextDouble() }),
        1 => new AttentionEntropyEstimator(new EstimatorOptions { HeadAggregation = (HeadAggregation)random.NextInt(0, 3), Normalize = false }),
        2 => new PerplexityProxyEstimator(new EstimatorOptions { Temperature = 0.5f, Normalize = random.NextInt(0, 2) == 0 }),
        3 => new ThresholdEstimator(),
        _ => new ThresholdEstimator(row => row[0] > 0 ? 1 : 0.25f),
    };

    // Keys or a vocabulary of 8; hostile values go where the estimator takes any finite number. "huge" stays below the norm's overflow.
    private static RoutingContext Context(SeededRandom random, float[] hidden, int tokens, string kind) => new()
    {
        Gradients = random.NextInt(0, 2) == 0 ? default(ReadOnlyMemory<float>) : hidden,
        AttentionWeights = random.NextInt(0, 3) == 0 ? default(ReadOnlyMemory<float>) : Array.ConvertAll(RouterLogits.Finite(kind, tokens * 2, 8, random.NextBits()), Math.Abs),
        AttentionHeads = 2,
        LmHeadLogits = random.NextInt(0, 3) == 0 ? default(ReadOnlyMemory<float>) : RouterLogits.Finite(kind, tokens, 8, random.NextBits()),
    };

    private static RoutingContext Row(RoutingContext context, int tokens, int token) => new()
    {
        Gradients = Part(context.Gradients, tokens, token),
        AttentionWeights = Part(context.AttentionWeights, tokens, token),
        AttentionHeads = context.AttentionHeads,
        LmHeadLogits = Part(context.LmHeadLogits, tokens, token),
    };

    private static ReadOnlyMemory<float> Part(ReadOnlyMemory<float> values, int tokens, int token) =>
        values.Slice(token * (values.Length / tokens), values.Length / tokens);

    private static float[] Score(ComplexityEstimator estimator, float[] hidden, int tokens, RoutingContext? context)
    {
        var scores = new float[tokens];
        estimator.Score(new EstimationInput(hidden, tokens, hidden.Length / tokens, context), new float[tokens], scores);
        return scores;
    }

    private static float Attention(float[] weights, int heads, int visible, HeadAggregation aggregation, float temperature = 1)
    {
        var raw = new float[1];
        new AttentionEntropyEstimator(new EstimatorOptions { HeadAggregation = aggregation, Temperature = temperature }).Estimate(
            new EstimationInput([0], 1, 1, new RoutingContext { AttentionWeights = weights, AttentionHeads = heads, VisibleKeys = new[] { visible } }), raw);
        return raw[0];
    }

    private static float Perplexity(float[] logits, float temperature)
    {
        var raw = new float[1];
        new PerplexityProxyEstimator(new EstimatorOptions { Temperature = temperature }).Estimate(
            new EstimationInput([0], 1, 1, new RoutingContext { LmHeadLogits = logits }), raw);
        return raw[0];
    }

    private static float[] RouterScores(string estimator, float[] logits, int experts)
    {
        using GateWeights gate = Gates.Identity(experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = estimator });
        var buffers = new RoutingBuffers(10, 1, experts, false);
        router.Route(logits, 10, buffers);
        return buffers.ComplexityScores;
    }
}
