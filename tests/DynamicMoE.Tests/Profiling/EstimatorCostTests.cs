using System.Numerics.Tensors;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Profiling;

/// <summary>Operations of complexity scores on 2 tokens of 4 columns at 4 experts.</summary>
public class EstimatorCostTests
{
    private static readonly float[] Hidden = [3, 2, 1, 0, 0, 3, 2, 1];

    // Two heads, three keys.
    private static readonly float[] Attention = [.. Enumerable.Repeat(0.25f, 2 * 2 * 3)];

    [Theory]
    [InlineData(ComplexityEstimators.RouterMargin, GateFunction.Softmax, 2 * 2, 4 * 2 * 5)]
    [InlineData(ComplexityEstimators.RouterMargin, GateFunction.Sigmoid, 2 * 7, 4 * 2 * 5)]
    [InlineData(ComplexityEstimators.RouterEntropy, GateFunction.Softmax, 2 * (5 * 4 + 4), 4 * 2 * 5)]
    [InlineData(ComplexityEstimators.RouterEntropy, GateFunction.Sigmoid, 2 * (4 * 4 + 1), 4 * 2 * 5)]
    [InlineData(ComplexityEstimators.GradientNorm, GateFunction.Softmax, 2 * (2 * 4 + 1), 4 * 2 * 5)]
    [InlineData(ComplexityEstimators.Threshold, GateFunction.Softmax, 2 * (2 * 4 + 1), 4 * 2 * 5)]
    public void Estimator_WhenBuiltIn_CountsItsFormula(string name, GateFunction function, long operations, long bytes) =>
        Assert.Equal(new ComponentCost(ProfileComponents.Estimator, WeightFormat.Float32, 0, operations, 0, bytes), Count(name, function, null));

    [Theory]
    [InlineData(ComplexityEstimators.AttentionEntropy)]
    [InlineData(ComplexityEstimators.PerplexityProxy)]
    public void Estimator_WhenTheHostSuppliesNothing_CountsASecondPassOverTheGate(string name)
    {
        ComponentCost cost = Count(name, GateFunction.Softmax, null);

        // The gate's products again, then entropy at a temperature: six per logit and four per token.
        Assert.Equal((2 * 2 * 4 * 4, 2 * (6 * 4 + 4), 32 * 4 * 4), (cost.ProductFlops, cost.OtherFlops, cost.WeightBytes));
    }

    [Fact]
    public void PerplexityProxy_WhenTheHostSuppliesLogits_CountsTheirEntropy()
    {
        ComponentCost cost = Count(ComplexityEstimators.PerplexityProxy, GateFunction.Softmax, new RoutingContext { LmHeadLogits = new float[2 * 10] });

        Assert.Equal((0, 2 * (6 * 10 + 4), 4 * (20 + 2)), (cost.ProductFlops, cost.OtherFlops, cost.ActivationBytes));
    }

    [Theory]
    [InlineData(HeadAggregation.Mean, false, 10 * 12 + 4 + 6)]
    [InlineData(HeadAggregation.Max, false, 10 * 12 + 4)]
    [InlineData(HeadAggregation.Mean, true, 10 * 2 * (2 + 3) + 4 + 6)]
    public void AttentionEntropy_WhenTheHostSuppliesWeights_CountsVisibleKeys(HeadAggregation aggregation, bool causal, long operations)
    {
        var context = new RoutingContext { AttentionWeights = Attention, AttentionHeads = 2, VisibleKeys = causal ? new int[] { 2, 3 } : default };
        var estimator = new AttentionEntropyEstimator(new EstimatorOptions { HeadAggregation = aggregation });

        Assert.Equal(operations, Count(estimator, GateFunction.Softmax, context).OtherFlops);
    }

    [Fact]
    public void Scores_WhenTheCallerBringsThem_CostNothing()
    {
        ComponentCost cost = Count(ComplexityEstimators.GradientNorm, GateFunction.Softmax, new RoutingContext { ComplexityScores = new[] { 0.5f, 0.5f } });

        Assert.Equal((0, 0), (cost.Flops, cost.ActivationBytes));
    }

    [Fact]
    public void Scores_WhenTheCallerBringsCounts_AreTheFusedOne() => Assert.Equal(
        2 * 2, Count(ComplexityEstimators.GradientNorm, GateFunction.Softmax, new RoutingContext { ExpertCounts = new[] { 1, 2 } }).OtherFlops);

    [Fact]
    public void Scores_WhenAFusedOneIsCalibrated_TakeARoutingPassOfTheirOwn()
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = 8, NumExperts = 4, TrainedExperts = 2 }, seed: 1);
        var samples = new float[512 * 8];
        new RandomSource(2).FillUniform(samples, 3);
        using var plain = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            ComplexityEstimator = ComplexityEstimators.RouterMargin, Calibration = plain.Calibrate(Tensor.Create(samples, [512, 8])),
        });

        ComponentCost cost = Profile(router, Tensor.Create(samples[..16], [2, 8]), null).Components[0];

        // Gate and softmax once more, and the margin.
        Assert.Equal((2 * 2 * 8 * 4, 2 * 4 * 3 + 2 * 2, 32 * 8 * 4), (cost.ProductFlops, cost.OtherFlops, cost.WeightBytes));
    }

    [Fact]
    public void Estimator_WhenItIsTheCallersOwn_IsRefusedBeforeAnythingRuns()
    {
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2, ComplexityEstimator = new Own() });
        using var function = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2, ComplexityEstimator = new ThresholdEstimator(_ => 0.5f) });

        Assert.Equal(
            "Estimator mine (Own) is not built in: its operations cannot be counted.",
            Assert.Throws<ProfilingException>(() => Profile(router, Tensor.Create(Hidden, [2, 4]), null)).Message);
        Assert.Equal(
            "Estimator threshold runs a function of the caller's, whose operations cannot be counted.",
            Assert.Throws<ProfilingException>(() => Profile(function, Tensor.Create(Hidden, [2, 4]), null)).Message);
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches + function.GetExpertUsageStats().TotalBatches);

        // With scores of the caller's it does not run.
        Assert.Equal(0, Profile(router, Tensor.Create(Hidden, [2, 4]), new RoutingContext { ComplexityScores = new[] { 0.5f, 0.5f } }).Components[0].Flops);
    }

    private static ComponentCost Count(EstimatorChoice estimator, GateFunction function, RoutingContext? context)
    {
        using GateWeights gate = Gates.Identity(4, options => options.Gate = function);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 2, ComplexityEstimator = estimator });
        return Profile(router, Tensor.Create(Hidden, [2, 4]), context).Components[0];
    }

    private static ComponentCost Count(string estimator, GateFunction function, RoutingContext? context) =>
        Count(new EstimatorChoice(estimator), function, context);

    private static FlopProfile Profile(DynamicRouter router, Tensor<float> batch, RoutingContext? context) =>
        new FlopProfiler(new FlopProfilerOptions { Repetitions = 1, WarmupRuns = 0 }).ProfileRouting(router, batch, context);

    private sealed class Own : ComplexityEstimator
    {
        public override string Name => "mine";

        public override void Estimate(in EstimationInput input, Span<float> raw) => raw.Fill(1);
    }
}
