using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Estimation;

/// <summary>
/// Distributions of scores, with fixed seeds. Every bound is 4.5 standard errors: a correct rule fails for one seed in 150,000, and one that is off by 9
/// standard errors passes for as few. At 40,000 independent tokens 9 standard errors of a share are at most 2.3 percentage points.
/// </summary>
public sealed class EstimatorStatisticsTests
{
    private const int Tokens = 40_000;
    private const double TableBias = 1.0 / 128 + 0.02;

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.3)]
    [InlineData(0.7)]
    public void RouterMargin_WhenTwoLogitsAreNormal_ExceedsAThresholdAsOftenAsItMust(double tau)
    {
        // l(1) - l(2) of two normals is |N(0, 2)|, so that P(margin >= tau) = erf(-ln tau / 2).
        using GateWeights gate = Gates.Identity(2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        var buffers = new RoutingBuffers(Tokens, 1, 2, false);
        router.Route(new SeededRandom(11).Gaussian(Tokens * 2), Tokens, buffers);

        AssertShare(Erf(-Math.Log(tau) / 2), buffers.ComplexityScores.Count(s => s >= tau));
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.3)]
    [InlineData(0.7)]
    public void Route_WhenTheThresholdIsFixed_KeepsTheSecondExpertAsOftenAsItMust(double tau)
    {
        using GateWeights gate = Gates.Identity(2, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, Tau = (float)tau });
        var buffers = new RoutingBuffers(Tokens, 2, 2, false);
        router.Route(new SeededRandom(12).Gaussian(Tokens * 2), Tokens, buffers);

        AssertShare(Erf(-Math.Log(tau) / 2), buffers.ExpertsPerToken.Count(k => k == 2));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(90)]
    [InlineData(100)]
    public void GradientNorm_WhenTheStreamIsStationary_SaturatesAboveThePercentileOnly(double percentile)
    {
        // A slow table, so that its own error is small. What is left is half of a knot, and its outermost knots, which interpolation draws inwards
        // again and again: 2 percentage points at the very end.
        var estimator = new GradientNormEstimator(new EstimatorOptions { Percentile = percentile, SmoothingFactor = 0.002 });
        float[] scores = Stream(estimator, new SeededRandom(13), 64 * 4000);

        AssertShare(1 - percentile / 100, scores.Count(s => s >= 1), TableBias);
        AssertShare(percentile / 200, scores.Count(s => s < 0.5), TableBias);
    }

    [Fact]
    public void Threshold_WhenTheStreamIsStationary_SplitsInHalves()
    {
        float[] scores = Stream(new ThresholdEstimator(new EstimatorOptions { SmoothingFactor = 0.002 }), new SeededRandom(14), 64 * 4000);

        AssertShare(0.5, scores.Count(s => s == 1), TableBias);
        Assert.DoesNotContain(0.5f, scores);
    }

    [Theory]
    [InlineData(ComplexityEstimators.GradientNorm)]
    [InlineData(ComplexityEstimators.PerplexityProxy)]
    public void Route_WhenScoresAreNormalised_AsksForTheMiddleOnAverage(string name)
    {
        // Raw norms and entropies would saturate. Shares are uniform in [0, 1]; a percentile of 100 leaves them so.
        const int experts = 8;
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = 5);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            ComplexityEstimator = name, EstimatorOptions = new EstimatorOptions { Percentile = 100, SmoothingFactor = 0.01 },
        });
        var random = new SeededRandom(15);
        var buffers = new RoutingBuffers(64, 5, experts, false);
        double sum = 0;
        for (int batch = 0; batch < 2000; batch++)
        {
            router.Route(random.Gaussian(64 * experts, 3), 64, buffers);
            sum += batch >= 1000 ? buffers.ExpertsPerToken.Sum() : 0;
        }

        // k = round(1 + 4 u): mean 3, deviation sqrt(1.5). 0.02 for the table's own error, 64 * 2 / 0.01 tokens.
        Assert.Equal(3, sum / 64_000, 4.5 * Math.Sqrt(1.5 / 64_000) + 0.02);
    }

    // Scores of the last 40,000 tokens of a stream of one-dimensional states.
    private static float[] Stream(ComplexityEstimator estimator, SeededRandom random, int tokens)
    {
        var last = new List<float>();
        var raw = new float[64];
        var scores = new float[64];
        for (int first = 0; first < tokens; first += 64)
        {
            float[] hidden = random.Gaussian(64);
            estimator.Score(new EstimationInput(hidden, 64, 1), raw, scores);
            if (first >= tokens - Tokens)
            {
                last.AddRange(scores);
            }

            estimator.Observe(raw, null);
        }

        return [.. last];
    }

    private static void AssertShare(double expected, int count, double bias = 0)
    {
        double error = Math.Sqrt(expected * (1 - expected) / Tokens);
        Assert.InRange((double)count / Tokens, expected - 4.5 * error - bias, expected + 4.5 * error + bias);
    }

    // Abramowitz and Stegun 7.1.26: error below 1.5e-7.
    private static double Erf(double x)
    {
        double t = 1 / (1 + 0.3275911 * x);
        return 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.Exp(-x * x);
    }
}
