using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Sweep.Scores;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep;

/// <summary>Runs the windows of a text under each rule of a sweep.</summary>
internal sealed class SweepRunner : IDisposable
{
    // Leaves 1/1024 of the interval in which the mass of a top-p rule is looked for.
    private const int TopPSteps = 10;

    private readonly MoEModel _model;
    private readonly WindowScorer _scorer;
    private readonly IReadOnlyList<ReadOnlyMemory<int>> _windows;
    private readonly IReadOnlyList<ReadOnlyMemory<int>> _calibration;
    private readonly Dictionary<string, (ITokenScore Score, RankTable[] Tables)> _scores = [];
    private readonly CancellationToken _cancel;
    private IReadOnlyList<double>? _sensitivity;

    /// <summary>Makes a runner.</summary>
    /// <param name="model">The model; not owned. Its routing is the checkpoint's again once a run is over.</param>
    /// <param name="windows">Windows that are scored.</param>
    /// <param name="calibration">Windows of other text, on which ranks and first thresholds are found.</param>
    /// <param name="cancel">Ends the run between two windows.</param>
    public SweepRunner(
        EvaluatedModel model,
        IReadOnlyList<ReadOnlyMemory<int>> windows,
        IReadOnlyList<ReadOnlyMemory<int>> calibration,
        CancellationToken cancel)
    {
        _model = model.Model;
        _scorer = model.Windows;
        _windows = windows;
        _calibration = calibration;
        _cancel = cancel;
    }

    private int Trained => _model.Config.Experts.PerToken;

    /// <summary>Runs all windows under a rule.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<WindowScore> Run(SweepRule rule)
    {
        try
        {
            Enter(rule);
            return [.. Score(_windows)];
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Frees what the signals hold.</summary>
    public void Dispose()
    {
        foreach ((ITokenScore score, _) in _scores.Values)
        {
            score.Dispose();
        }
    }

    // Ends with the rule in force and its thresholds settled on the calibration text.
    private void Enter(SweepRule rule)
    {
        double budget = rule.Budget ?? 0;
        switch (rule.Kind)
        {
            case SweepKind.Static:
                Patch(DynamicRoutingOptions.FixedCount(rule.Experts), rule.Weighting);
                return;
            case SweepKind.TopP:
                FindMass(rule.Weighting, budget);
                return;
            case SweepKind.Confidence:
                Patch(new DynamicRoutingOptions { MeanExpertsPerToken = budget }, rule.Weighting);
                break;
            case SweepKind.ConfidenceEqual:
                Patch(new DynamicRoutingOptions { MeanExpertsPerToken = budget, Sensitivity = [.. _model.MoELayers.Select(_ => 1.0)] }, rule.Weighting);
                break;
            case SweepKind.ConfidenceByLayer:
                Patch(new DynamicRoutingOptions { MeanExpertsPerToken = budget, Sensitivity = Sensitivity() }, rule.Weighting);
                break;
            case SweepKind.Score:
                (ITokenScore score, RankTable[] tables) = Calibrated(rule);
                Patch(new DynamicRoutingOptions { Strategy = RoutingStrategy.TopK }, rule.Weighting);
                _scorer.Session.Advisor = new ScoreRouting(score, tables, Trained, budget);
                break;
        }

        Score(_calibration);
    }

    private void Leave()
    {
        _scorer.Session.Advisor = null;
        _model.UnpatchDynamicRouting();
    }

    private (ITokenScore Score, RankTable[] Tables) Calibrated(SweepRule rule)
    {
        if (!_scores.TryGetValue(rule.Signal, out (ITokenScore Score, RankTable[] Tables) known))
        {
            ITokenScore score = TokenScores.Create(rule.Signal, _model, rule.Weighting);
            _scores[rule.Signal] = (score, []);
            var collector = new ScoreCollector(score, _model.MoELayers.Count, ScoreRouting.Columns(score, Trained));
            _scorer.Session.Advisor = collector;
            Score(_calibration);
            known = (score, collector.Tables());
            _scores[rule.Signal] = known;
        }

        return known;
    }

    private IReadOnlyList<double> Sensitivity()
    {
        if (_sensitivity is null)
        {
            int[] tokens = [.. _calibration.SelectMany(window => window.ToArray())];

            // Too little text tells the layers as little apart as a model that loses nothing.
            IReadOnlyList<double> measured = tokens.Length < LayerCalibrator.MinTokens ? [0] : _model.MeasureSensitivity(tokens, _cancel);
            _sensitivity = measured.Any(loss => loss > 0) ? measured : [.. _model.MoELayers.Select(_ => 1.0)];
        }

        return _sensitivity;
    }

    // The mean rises with the mass; bisected on the calibration text.
    private void FindMass(Weighting weighting, double budget)
    {
        float low = 0, high = 1;
        for (int step = 0; step < TopPSteps; step++)
        {
            float middle = (low + high) / 2;
            PatchTopP(middle, weighting);
            (low, high) = Mean(Score(_calibration)) < budget ? (middle, high) : (low, middle);
        }

        PatchTopP((low + high) / 2, weighting);
    }

    private void PatchTopP(float mass, Weighting weighting) =>
        Patch(new DynamicRoutingOptions { Strategy = RoutingStrategy.TopP, TopP = mass }, weighting);

    private void Patch(DynamicRoutingOptions options, Weighting weighting)
    {
        options.Weighting = weighting;
        _model.PatchDynamicRouting(options);
    }

    private List<WindowScore> Score(IReadOnlyList<ReadOnlyMemory<int>> windows)
    {
        var scores = new List<WindowScore>();
        foreach (ReadOnlyMemory<int> window in windows)
        {
            _cancel.ThrowIfCancellationRequested();
            scores.Add(_scorer.Score(window.Span));
        }

        return scores;
    }

    private static double Mean(List<WindowScore> scores) => scores.Aggregate((a, b) => a + b).Report.MeanExpertsPerToken;
}
