using System.Numerics.Tensors;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Memory;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Calibration;

/// <summary>Calibrations of one layer: how they are made, and what a router does with them.</summary>
public sealed class LayerCalibrationTests
{
    private const int Experts = 8;

    [Theory]
    [InlineData(1, 2, 1.25)]
    [InlineData(1, 2, 1.5)]
    [InlineData(1, 4, 2.5)]
    [InlineData(2, 4, 3.25)]
    public void Route_WhenCalibrated_HoldsTheBudgetFromTheFirstBatch(int min, int max, double budget)
    {
        using GateWeights gate = Gates.Identity(Experts, options => options.TrainedExperts = max);
        LayerCalibration calibration = Calibrate(gate, max, new Trace(5).Next(8192, Experts));
        DynamicRouterOptions options = Budget(min, max, budget);
        options.Calibration = calibration;
        using var router = new DynamicRouter(gate, options);

        Assert.Equal(calibration.TauFor(budget, min, max), router.Tau);
        float[] fresh = new Trace(6).Next(4096, Experts);
        double mean = MeanExperts(router, fresh);

        // 4096 correlated tokens: two standard errors of a mean whose deviation is at most (max - min) / 2 over 400 independent ones.
        Assert.Equal(budget, mean, 0.05 * (max - min));
        using var cold = new DynamicRouter(gate, Budget(min, max, budget));
        Assert.Equal(0.3f, cold.Tau);
    }

    [Fact]
    public void TauFor_WhenBudgetsRise_Falls()
    {
        using GateWeights gate = Gates.Identity(Experts, options => options.TrainedExperts = 4);
        LayerCalibration calibration = Calibrate(gate, 4, new Trace(5).Next(2048, Experts));

        float before = 1;
        for (double mean = 1; mean <= 4; mean += 0.25)
        {
            float tau = calibration.TauFor(mean, 1, 4);
            Assert.InRange(tau, 0, before);
            before = tau;
        }

        Assert.Equal(1f, calibration.TauFor(1, 1, 4));
        Assert.Equal(0f, calibration.TauFor(4, 1, 4));
        Assert.Equal(4, calibration.MaxExperts);
        Assert.Throws<ArgumentOutOfRangeException>(() => calibration.TauFor(2, 1, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => calibration.TauFor(2, 0, 2));
    }

    [Fact]
    public void Calibrate_WhenItRuns_TheRouterLearnsNothing()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 4 });
        float[] samples = new Trace(5).Next(512, Experts);

        _ = router.Calibrate(new ReadOnlyTensorSpan<float>(samples, [2, 256, Experts]));

        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
        Assert.All(Scores(router, samples.AsSpan(0, 8 * Experts)), score => Assert.Equal(0.5f, score));
    }

    [Theory]
    [InlineData(ComplexityEstimators.GradientNorm)]
    [InlineData(ComplexityEstimators.AttentionEntropy)]
    [InlineData(ComplexityEstimators.PerplexityProxy)]
    [InlineData(ComplexityEstimators.RouterMargin)]
    [InlineData(ComplexityEstimators.RouterEntropy)]
    public void Route_WhenCalibrated_SpreadsScoresEvenlyAndStandsStill(string estimator)
    {
        using GateWeights gate = Gates.Identity(Experts);
        float[] samples = new Trace(5).Next(4096, Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            ComplexityEstimator = estimator, MaxExperts = 4, Calibration = Calibrate(gate, 4, samples),
            EstimatorOptions = new EstimatorOptions { Percentile = 100 },
        });

        float[] first = Scores(router, samples);
        float[] again = Scores(router, samples);

        Assert.Equal(first, again);
        float[] sorted = [.. first.Order()];
        for (int decile = 1; decile < 10; decile++)
        {
            // A table of 64 values is exact to one of them.
            Assert.Equal(decile / 10.0, sorted[decile * sorted.Length / 10], 1.0 / 64);
        }
    }

    [Fact]
    public void Route_WhenCalibrated_AllocatesNothing()
    {
        using GateWeights gate = Gates.Identity(Experts);
        float[] samples = new Trace(5).Next(512, Experts);
        LayerCalibration calibration = Calibrate(gate, 4, samples);
        foreach (string estimator in new[] { ComplexityEstimators.RouterMargin, ComplexityEstimators.GradientNorm })
        {
            using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = estimator, MaxExperts = 4, Calibration = calibration });
            var buffers = new RoutingBuffers(16, 4, Experts, withLogits: false);

            Assert.Equal(0, AllocatedBytes.Least(() => router.Route(samples.AsSpan(0, 16 * Experts), 16, buffers), calls: 3));
        }
    }

    [Fact]
    public void Constructor_WhenTheCalibrationIsOfAnotherGate_NamesBothHashes()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using GateWeights other = GateWeights.CreateRandom(new GateOptions { InputDim = Experts, NumExperts = Experts }, 3);
        LayerCalibration calibration = Calibrate(other, 4, new Trace(5).Next(512, Experts));

        var e = Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(gate, new DynamicRouterOptions { Calibration = calibration }));

        Assert.Contains($"gate {other.Hash}, this is gate {gate.Hash}", e.Message, StringComparison.Ordinal);
        Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(new DynamicRouterOptions { InputDim = 8, NumExperts = 8, Calibration = calibration }));
    }

    [Fact]
    public void Constructor_WhenTheCalibrationKnowsTooLittle_SaysWhat()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var source = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2 });
        var calibrator = new LayerCalibrator(source, 3, [ComplexityEstimators.RouterEntropy]);
        calibrator.Observe(new Trace(5).Next(512, Experts), 512);
        LayerCalibration calibration = calibrator.Finish();
        Assert.Equal(3, calibration.Layer);

        DynamicRouterOptions options = Budget(1, 3, 2);
        options.Calibration = calibration;
        string gaps = Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(gate, options)).Message;
        string scores = Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(
            gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin, Calibration = calibration })).Message;

        Assert.Contains("MaxExperts (3) exceeds the 2 experts per token", gaps, StringComparison.Ordinal);
        Assert.Contains("no values of router_margin, it has router_entropy", scores, StringComparison.Ordinal);
    }

    [Fact]
    public void Finish_WhenSamplesAreTooFew_NamesTheLimit()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2 });
        float[] samples = new Trace(5).Next(255, Experts);

        var e = Assert.Throws<ConvergenceException>(() => router.Calibrate(new ReadOnlyTensorSpan<float>(samples, [255, Experts])));

        Assert.Equal("Layer 0: the calibration saw 255 tokens, at least 256 are needed.", e.Message);
    }

    [Fact]
    public void Finish_WhenTokensAreAllAlike_NamesWhatDoesNotVary()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2 });
        float[] samples = [.. Enumerable.Range(0, 300 * Experts).Select(i => (float)(i % Experts))];

        var e = Assert.Throws<ConvergenceException>(() => router.Calibrate(new ReadOnlyTensorSpan<float>(samples, [300, Experts])));

        Assert.Contains("the gaps of the second choice take 1 different values over 300 tokens (1..1), at least 16", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Observe_WhenAValueIsNotFinite_NamesTheToken()
    {
        using GateWeights gate = Gates.Identity(Experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2 });
        float[] samples = new Trace(5).Next(300, Experts);
        samples[17 * Experts] = float.NaN;

        Assert.Contains("17", Assert.Throws<RoutingValidationException>(() => new LayerCalibrator(router).Observe(samples, 300)).Message, StringComparison.Ordinal);
        Assert.Throws<RouterConfigurationException>(() => new LayerCalibrator(router, 0, ["no_such"]));
        Assert.Throws<RouterConfigurationException>(() => new LayerCalibrator(router, 0, ["router_margin", "router_margin"]));
    }

    [Fact]
    public void Hash_WhenAnythingThatGapsDependOnDiffers_IsAnother()
    {
        float[] weights = new SeededRandom(1).Gaussian(64);
        var hashes = new List<ModelHash>();
        foreach (Action<GateOptions> change in new Action<GateOptions>[]
            { _ => { }, o => o.Gate = GateFunction.Sigmoid, o => (o.Groups, o.TopGroups) = (4, 2), o => o.MaxTokens = 7, o => o.Threads = 1 })
        {
            var options = new GateOptions { InputDim = 8, NumExperts = 8 };
            change(options);
            using GateWeights gate = GateWeights.Create(weights, default, options);
            hashes.Add(gate.Hash);
        }

        using GateWeights biased = GateWeights.Create(weights, new float[8], new GateOptions { InputDim = 8, NumExperts = 8 });
        weights[5] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(weights[5]) ^ 1);
        using GateWeights other = GateWeights.Create(weights, default, new GateOptions { InputDim = 8, NumExperts = 8 });

        // What only sizes workspaces does not count.
        Assert.Equal([hashes[0], hashes[0]], hashes[3..]);
        Assert.Equal(5, hashes.Take(3).Append(biased.Hash).Append(other.Hash).Distinct().Count());
    }

    internal static LayerCalibration Calibrate(GateWeights gate, int maxExperts, float[] samples)
    {
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = maxExperts });
        return router.Calibrate(new ReadOnlyTensorSpan<float>(samples, [samples.Length / Experts, Experts]));
    }

    private static DynamicRouterOptions Budget(int min, int max, double budget) =>
        new() { Strategy = RoutingStrategy.Threshold, MinExperts = min, MaxExperts = max, MeanExpertsBudget = budget };

    private static double MeanExperts(DynamicRouter router, float[] logits)
    {
        int tokens = logits.Length / Experts;
        return router.Route(logits, tokens, new RoutingBuffers(tokens, router.MaxExperts, Experts, withLogits: false)).MeanExpertsPerToken;
    }

    private static float[] Scores(DynamicRouter router, ReadOnlySpan<float> logits)
    {
        int tokens = logits.Length / Experts;
        var buffers = new RoutingBuffers(tokens, router.MaxExperts, Experts, withLogits: false);
        router.Route(logits, tokens, buffers);
        return buffers.ComplexityScores;
    }
}
