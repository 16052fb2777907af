using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Calibration;

public sealed class ModelCalibrationTests
{
    // Aperiodic over the length of the tests.
    private static readonly int[] Text = [.. Enumerable.Range(0, 1200).Select(i => (int)((i * 2654435761L) >> 7) & 63)];

    [Fact]
    public void PatchDynamicRouting_WhenCalibrated_HoldsTheBudgetWithoutWarmUp()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        CalibrationTable table = model.Calibrate(Text);

        Assert.Equal(model.Hash, table.Model);
        Assert.Equal(model.MoELayers.Select(block => block.Layer), table.Layers.Select(layer => layer.Layer));
        foreach (double budget in new[] { 1.25, 1.5, 1.75 })
        {
            model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = budget, Calibration = table });
            Assert.All(model.MoELayers, block => Assert.Equal(table.Find(block.Layer)!.TauFor(budget, 1, 2), block.Router.Tau));
            MoESession session = model.CreateSession(256);
            _ = session.ForwardLast(Text.AsSpan(0, 256), new float[model.Config.VocabularySize]);

            // The first pass is routed by the first thresholds; 768 decisions of 0 or 1 deviate by 0.5 / sqrt(768) = 0.018.
            Assert.Equal(budget, session.Total.MeanExpertsPerToken, 0.08);
        }
    }

    [Fact]
    public void Calibrate_WhenTheModelIsPatched_SeesItAsTrainedAndLeavesThresholds()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen3Moe);
        CalibrationTable before = model.Calibrate(Text);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        float tau = model.MoELayers[0].Router.Tau;

        CalibrationTable after = model.Calibrate(Text);

        Assert.Equal(before.Layers.SelectMany(layer => layer.Gaps), after.Layers.SelectMany(layer => layer.Gaps));
        Assert.Equal(tau, model.MoELayers[0].Router.Tau);
        Assert.True(model.IsDynamic);
    }

    [Fact]
    public void Calibrate_WhenPatchedWithFewerExpertsThanTrained_SeesTheModelAsTrained()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        CalibrationTable before = model.Calibrate(Text);
        model.PatchDynamicRouting(DynamicRoutingOptions.FixedCount(1));

        Assert.Equal(before.Layers.SelectMany(layer => layer.Gaps), model.Calibrate(Text).Layers.SelectMany(layer => layer.Gaps));
    }

    [Fact]
    public void PatchDynamicRouting_WhenTheTableIsOfAnotherModel_NamesBothHashes()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        using MoEModel other = TestModels.Load(ReferenceFamily.Olmoe);
        CalibrationTable table = other.Calibrate(Text);

        var e = Assert.Throws<RouterConfigurationException>(() => model.PatchDynamicRouting(new DynamicRoutingOptions { Calibration = table }));

        Assert.Contains($"model {other.Hash}, this is model {model.Hash}", e.Message, StringComparison.Ordinal);
        Assert.False(model.IsDynamic);
    }

    [Fact]
    public void PatchDynamicRouting_WhenALayerIsMissing_NamesIt()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        CalibrationTable table = model.Calibrate(Text);
        var part = new CalibrationTable(table.Model, [.. table.Layers.Take(1)]);

        var e = Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(new DynamicRoutingOptions { Calibration = part }));

        Assert.Contains("has layers 0, not layer 1", e.Message, StringComparison.Ordinal);
        Assert.False(model.IsDynamic);
        model.PatchDynamicRouting(new DynamicRoutingOptions { Calibration = part, Layers = [0] });
        Assert.True(model.MoELayers[0].IsDynamic);
    }

    [Theory]
    [InlineData(ComplexityEstimators.RouterMargin)]
    [InlineData(ComplexityEstimators.GradientNorm)]
    public void PatchDynamicRouting_WhenScoresDecide_TheyGoThroughTheTable(string estimator)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Olmoe);
        int trained = model.Config.Experts.PerToken;
        model.PatchDynamicRouting(new DynamicRoutingOptions
        {
            Strategy = RoutingStrategy.TopK, ComplexityEstimator = estimator, Calibration = model.Calibrate(Text),
        });
        MoESession session = model.CreateSession(256);
        _ = session.ForwardLast(Text.AsSpan(0, 256), new float[model.Config.VocabularySize]);

        // Scores spread over 0..1, so that counts spread over 1..k; gradient_norm reaches 1 at its 90th percentile.
        Assert.Equal((1 + trained) / 2.0, session.Total.MeanExpertsPerToken, 0.15 * trained);
    }

    [Fact]
    public void Calibrate_WhenTheTextIsTooShort_NamesTheLimit()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        Assert.Contains("saw 255 tokens, at least 256", Assert.Throws<ConvergenceException>(() => model.Calibrate(Text.AsSpan(0, 255))).Message, StringComparison.Ordinal);
        Assert.Throws<ConvergenceException>(() => model.Calibrate(default));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => model.Calibrate(Text, null, cancelled.Token));
    }
}
