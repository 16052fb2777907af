using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Calibration;

public sealed class ModelSensitivityTests : IDisposable
{
    private static readonly int[] Text = [.. Enumerable.Range(0, 700).Select(i => (int)((i * 2654435761L) >> 7) & 63)];

    private readonly TemporaryDirectory _directory = new();

    private string Folder => _directory["model"];

    private string File => Path.Combine(Folder, "dynamicmoe.calibration.json");

    [Fact]
    public void MeasureSensitivity_Always_IsTheLossOfPatchingThatLayerAlone()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        double trained = Loss(model);
        double[] expected =
        [
            .. model.MoELayers.Select(block =>
            {
                DynamicRoutingOptions single = DynamicRoutingOptions.FixedCount(1);
                single.Layers = [block.Layer];
                model.PatchDynamicRouting(single);
                return Math.Max(0, Loss(model) - trained);
            }),
        ];

        IReadOnlyList<double> measured = model.MeasureSensitivity(Text);

        Assert.Contains(expected, loss => loss > 0);
        Assert.Equal(expected, measured.Select((loss, i) => Math.Abs(loss - expected[i]) < 1e-9 ? expected[i] : loss));
        Assert.True(model.IsDynamic);
    }

    [Fact]
    public void PatchDynamicRouting_WhenTheCalibrationKnowsSensitivity_DividesByIt()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        double[] sensitivity = [.. model.MoELayers.Select((_, i) => Math.Pow(32, i))];
        CalibrationTable table = model.Calibrate(Text).WithSensitivity(sensitivity);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5, Calibration = table });
        double[] divided = Budgets(model);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5, Sensitivity = sensitivity });

        Assert.Equal(Budgets(model), divided);
        Assert.Equal(1.5, divided.Average(), 12);
        Assert.True(divided[0] < divided[^1]);
    }

    [Fact]
    public void Load_WhenACalibrationLiesBesideTheWeights_PatchesStartFromIt()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        using (MoEModel bare = MoEModel.Load(Folder))
        {
            Assert.Null(bare.Calibration);
            bare.Calibrate(Text).WithSensitivity([.. bare.MoELayers.Select((_, i) => i + 1.0)]).Save(File);
        }

        using MoEModel model = MoEModel.Load(Folder);
        model.PatchDynamicRouting();
        Assert.Equal(model.MoELayers.Select((block, i) => model.Calibration!.Find(block.Layer)!.TauFor(Budgets(model)[i], 1, 2)), model.MoELayers.Select(block => block.Router.Tau));
        model.PatchDynamicRouting(new DynamicRoutingOptions { MaxExperts = 3, MeanExpertsPerToken = 1.5 });
        Assert.All(model.MoELayers, block => Assert.Equal(0.3f, block.Router.Tau));

        using MoEModel without = MoEModel.Load(Folder, new ModelLoadOptions { LoadCalibration = false });
        Assert.Null(without.Calibration);
    }

    [Fact]
    public void PatchDynamicRouting_WhenTheModelsOwnCalibrationLacksTheEstimator_GoesWithoutIt()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        using (MoEModel bare = MoEModel.Load(Folder))
        {
            bare.Calibrate(Text, [ComplexityEstimators.RouterMargin]).Save(File);
        }

        using MoEModel model = MoEModel.Load(Folder);
        var options = new DynamicRoutingOptions { Strategy = RoutingStrategy.TopK, ComplexityEstimator = new FirstValue() };
        model.PatchDynamicRouting(options);
        Assert.True(model.IsDynamic);
        _ = model.CreateSession(16).ForwardLast([1, 2, 3], new float[model.Config.VocabularySize]);

        // One that the user named is the user's word.
        options.Calibration = model.Calibration;
        Assert.Contains("no values of first_value", Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenTheCalibrationIsWrong_NamesTheFile()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        using (MoEModel other = TestModels.Load(ReferenceFamily.Olmoe))
        {
            other.Calibrate(Text).Save(File);
        }

        string message = Assert.Throws<RouterConfigurationException>(() => MoEModel.Load(Folder)).Message;
        Assert.Contains($"{File}: The calibration was made with model", message, StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, "{}");
        Assert.Contains($"{File}: kind", Assert.Throws<RouterConfigurationException>(() => MoEModel.Load(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pack_WhenACalibrationLiesBesideTheWeights_TakesItAlong()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        using (MoEModel bare = MoEModel.Load(Folder))
        {
            bare.Calibrate(Text).Save(File);
        }

        _ = PackedModel.Pack(Folder, _directory["packed"], WeightFormat.Q8);
        _ = PackedModel.Verify(_directory["packed"]);
        using MoEModel model = MoEModel.Load(_directory["packed"]);

        Assert.Equal(model.Hash, model.Calibration!.Model);
    }

    [Fact]
    public void MeasureSensitivity_WhenThereIsTooLittleText_SaysHowMuchIsNeeded()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        Assert.Contains("100 tokens, at least 256", Assert.Throws<ConvergenceException>(() => model.MeasureSensitivity(Text.AsSpan(0, 100))).Message, StringComparison.Ordinal);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => model.MeasureSensitivity(Text, cancelled.Token));
    }

    public void Dispose() => _directory.Dispose();

    private static double[] Budgets(MoEModel model) => [.. model.MoELayers.Select(block => block.Router.Controller!.Budget)];

    private sealed class FirstValue : ComplexityEstimator
    {
        public override string Name => "first_value";

        public override void Estimate(in EstimationInput input, Span<float> raw)
        {
            for (int token = 0; token < raw.Length; token++)
            {
                raw[token] = input.Hidden[token * input.InputDim];
            }
        }
    }

    private static double Loss(MoEModel model)
    {
        double sum = 0;
        int scored = 0;
        int window = Math.Min(512, model.Config.MaxPositions);
        for (int start = 0; start < Text.Length; start += window)
        {
            int count = Math.Min(window, Text.Length - start);
            var logits = new float[count * model.Config.VocabularySize];
            _ = model.CreateSession(window).Forward(Text.AsSpan(start, count), logits);
            for (int i = 0; i + 1 < count; i++, scored++)
            {
                sum += TokenLoss.Nats(logits.AsSpan(i * model.Config.VocabularySize, model.Config.VocabularySize), Text[start + i + 1]);
            }
        }

        return sum / scored;
    }
}
