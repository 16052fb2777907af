using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>A checkpoint under evaluation. Its weights are loaded once; the runs take turns in deciding how it routes.</summary>
internal sealed class EvaluatedModel : IEvaluationModel
{
    private const int MostWindow = 512;

    // Logits are kept for a whole pass: with a large vocabulary passes are shorter.
    private const int MostLogits = 1 << 24;

    private readonly MoEModel _model;
    private readonly MoESession _session;
    private readonly float[] _logits;
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
        _model = choice.Load(MostWindow);
        try
        {
            calibration?.RequireModel(_model.Hash);
        }
        catch
        {
            _model.Dispose();
            throw;
        }

        ModelConfig config = _model.Config;
        int window = Math.Min(MostWindow, config.MaxPositions);
        int batch = Math.Clamp(MostLogits / config.VocabularySize, 1, window);
        _session = _model.CreateSession(window);
        _prefix = _model.Tokenizer!.Encode("");
        _logits = new float[batch * config.VocabularySize];
        Info = new EvaluationModelInfo
        {
            Name = choice.Name,
            Family = config.ModelType,
            Layers = config.LayerCount,
            MoeLayers = _model.MoELayers.Count,
            Experts = config.Experts.Count,
            TrainedExperts = config.Experts.PerToken,
            Window = window,
            Batch = batch,
            Format = WeightFormats.Name(_model.WeightFormat),
        };
    }

    /// <inheritdoc/>
    public EvaluationModelInfo Info { get; }

    /// <inheritdoc/>
    public int[] Tokenize(string text) => [.. _model.Tokenizer!.Encode(text)];

    /// <inheritdoc/>
    public int FirstTokenBytes(ReadOnlySpan<int> tokens) =>
        _prefix.Contains(tokens[0]) ? 0 : SplitCharacters.FirstTokenBytes(_model.Tokenizer!, tokens);

    /// <inheritdoc/>
    public IEvaluationRun Start(RoutingRule rule) => new EvaluationRun(this, rule);

    /// <summary>Records and replays what the runs do from now on, warm-up included, in the order in which they do it.</summary>
    public RunRecording Attach(RunFiles files, ToolConsole console) => files.Attach(_model, _session, console);

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    /// <summary>Puts a run's routing in force.</summary>
    private void Activate(EvaluationRun run)
    {
        if (!ReferenceEquals(_active, run))
        {
            _active?.Leave(_model);
            run.Enter(_model);
            _active = run;
        }
    }

    private WindowScore Score(ReadOnlySpan<int> tokens)
    {
        _session.Reset();
        double nats = 0, seconds = 0;
        int vocabulary = _model.Config.VocabularySize;
        for (int start = 0; start < tokens.Length; start += Info.Batch)
        {
            ReadOnlySpan<int> part = tokens.Slice(start, Math.Min(Info.Batch, tokens.Length - start));
            Span<float> logits = _logits.AsSpan(0, part.Length * vocabulary);
            long begin = TimeProvider.System.GetTimestamp();
            _ = _session.Forward(part, logits);
            seconds += TimeProvider.System.GetElapsedTime(begin).TotalSeconds;
            for (int i = 0; i < part.Length && start + i + 1 < tokens.Length; i++)
            {
                nats += TokenLoss.Nats(logits.Slice(i * vocabulary, vocabulary), tokens[start + i + 1]);
            }
        }

        return new WindowScore(nats, _session.Total, seconds);
    }

    /// <summary>One rule's routers. Only one rule's routers exist at a time; what a dynamic rule has learnt is kept between its turns.</summary>
    private sealed class EvaluationRun(EvaluatedModel owner, RoutingRule rule) : IEvaluationRun
    {
        private ThresholdControllerSnapshot[]? _learnt;

        public WindowScore Score(ReadOnlySpan<int> tokens)
        {
            owner.Activate(this);
            return owner.Score(tokens);
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
            options.Weighting = config.NormalizeTopK ? Weighting.Renormalize : Weighting.Raw;
            return options;
        }
    }
}
