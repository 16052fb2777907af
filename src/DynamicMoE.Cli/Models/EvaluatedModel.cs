using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>A checkpoint under evaluation. Its weights are loaded once; the runs take turns in deciding how it routes.</summary>
internal sealed class EvaluatedModel : IEvaluationModel
{
    private const int MostWindow = 512;

    private readonly IReadOnlyList<int> _prefix;
    private readonly CalibrationTable? _calibration;
    private EvaluationRun? _active;

    /// <summary>Loads the model.</summary>
    /// <param name="choice">Which, and how.</param>
    /// <param name="calibration">What dynamic rules start from; null = from nothing.</param>
    /// <exception cref="RouterConfigurationException">The calibration is that of another model.</exception>
    public EvaluatedModel(ModelChoice choice, CalibrationTable? calibration = null)
    {
        _calibration = calibration;
        Model = choice.Load(MostWindow);
        try
        {
            calibration?.RequireModel(Model.Hash);
        }
        catch
        {
            Model.Dispose();
            throw;
        }

        ModelConfig config = Model.Config;
        int window = Math.Min(MostWindow, config.MaxPositions);
        Windows = new WindowScorer(Model, window);
        _prefix = Model.Tokenizer!.Encode("");
        Info = new EvaluationModelInfo
        {
            Name = choice.Name,
            Family = config.ModelType,
            Layers = config.LayerCount,
            MoeLayers = Model.MoELayers.Count,
            Experts = config.Experts.Count,
            TrainedExperts = config.Experts.PerToken,
            Window = window,
            Batch = Windows.Batch,
            Format = WeightFormats.Name(Model.WeightFormat),
        };
    }

    /// <inheritdoc/>
    public EvaluationModelInfo Info { get; }

    /// <summary>The model itself, for an evaluation that switches its routing by other means than runs.</summary>
    public MoEModel Model { get; }

    /// <summary>Runs windows under the routing in force.</summary>
    public WindowScorer Windows { get; }

    /// <inheritdoc/>
    public int[] Tokenize(string text) => [.. Model.Tokenizer!.Encode(text)];

    /// <inheritdoc/>
    public int FirstTokenBytes(ReadOnlySpan<int> tokens) =>
        _prefix.Contains(tokens[0]) ? 0 : SplitCharacters.FirstTokenBytes(Model.Tokenizer!, tokens);

    /// <inheritdoc/>
    public IEvaluationRun Start(RoutingRule rule) => new EvaluationRun(this, rule);

    /// <summary>Records and replays what the runs do from now on, warm-up included, in the order in which they do it.</summary>
    public RunRecording Attach(RunFiles files, ToolConsole console) => files.Attach(Model, Windows.Session, console);

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    /// <summary>Puts a run's routing in force.</summary>
    private void Activate(EvaluationRun run)
    {
        if (!ReferenceEquals(_active, run))
        {
            _active?.Leave(Model);
            run.Enter(Model);
            _active = run;
        }
    }

    /// <summary>One rule's routers. Only one rule's routers exist at a time; what a dynamic rule has learnt is kept between its turns.</summary>
    private sealed class EvaluationRun(EvaluatedModel owner, RoutingRule rule) : IEvaluationRun
    {
        private ThresholdControllerSnapshot[]? _learnt;

        public WindowScore Score(ReadOnlySpan<int> tokens)
        {
            owner.Activate(this);
            return owner.Windows.Score(tokens);
        }

        public void Enter(MoEModel model)
        {
            if (rule.Budget is null && rule.Experts == model.Config.Experts.PerToken)
            {
                model.UnpatchDynamicRouting();
                return;
            }

            model.PatchDynamicRouting(rule.Budget is { } budget
                ? new DynamicRoutingOptions { MeanExpertsPerToken = budget, Calibration = owner._calibration }
                : StaticOptions(model.Config.Experts));
            for (int i = 0; i < _learnt?.Length; i++)
            {
                model.MoELayers[i].Router.Controller!.Restore(_learnt[i]);
            }
        }

        public void Leave(MoEModel model)
        {
            if (rule.Budget is not null)
            {
                _learnt = [.. model.MoELayers.Select(layer => layer.Router.Controller!.Snapshot())];
            }
        }

        // What the checkpoint does when num_experts_per_tok in its config.json is changed.
        private DynamicRoutingOptions StaticOptions(ExpertsConfig config)
        {
            DynamicRoutingOptions options = DynamicRoutingOptions.FixedCount(rule.Experts);
            options.Weighting = StaticWeights.Of(config);
            return options;
        }
    }
}
