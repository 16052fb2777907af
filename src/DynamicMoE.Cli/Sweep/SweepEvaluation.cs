using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Sweep.Report;

namespace DynamicMoE.Cli.Sweep;

/// <summary>What a sweep is asked for.</summary>
/// <param name="Budgets">Mean experts per token; null = four shares of the trained number.</param>
/// <param name="Weighting">Weights of the dynamic rows; null = the checkpoint's own.</param>
/// <param name="Windows">Windows that are scored, at most.</param>
/// <param name="WindowTokens">Tokens per window.</param>
internal sealed record SweepRequest(double[]? Budgets, Weighting? Weighting, int Windows, int WindowTokens);

/// <summary>Quality of every signal at every budget, then the time of the default.</summary>
internal static class SweepEvaluation
{
    private const int LeastWindows = 2;

    // Enough windows of 512 tokens for a median.
    private const int TimedTokens = 16384;

    /// <summary>Runs it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">Text.</param>
    /// <param name="machine">What the report says about the machine.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="progress">Told the name of each row before it runs.</param>
    /// <param name="cancel">Ends the run between two windows.</param>
    /// <exception cref="ToolException">A budget or the model does not fit, or the text has fewer than two windows.</exception>
    public static SweepReport Run(
        EvaluatedModel model, PreparedText text, EvaluationMachineInfo machine, SweepRequest request, IProgress<BenchmarkProgress> progress, CancellationToken cancel)
    {
        int trained = model.Info.TrainedExperts, windowTokens = Math.Min(request.WindowTokens, model.Info.Window);
        Weighting weighting = request.Weighting ?? model.Model.Config.Experts.Weighting;
        double[] budgets = request.Budgets ?? SweepPlan.Budgets(trained);
        IReadOnlyList<SweepRule> rules = SweepPlan.Rules(
            model.Model.Config.Experts, budgets, weighting, dividedByLayer: model.Model.Calibration?.Layers[0].Sensitivity is not null);
        SpreadWindows windows = SpreadWindows.Over(TextWindows.Of(text.Tokens, windowTokens), request.Windows);
        if (windows.Scored.Count < LeastWindows)
        {
            throw new ToolException($"{text.Info.Source} has {windows.Scored.Count} window of {windowTokens} tokens, at least {LeastWindows} are needed");
        }

        IReadOnlyList<ReadOnlyMemory<int>> calibration = windows.Between.Count > 0 ? windows.Between : TextWindows.Of(text.Warmup, windowTokens);
        var scores = new List<IReadOnlyList<WindowScore>>();
        using (var runner = new SweepRunner(model, windows.Scored, calibration, cancel))
        {
            foreach (SweepRule rule in rules)
            {
                Report(scores.Count, $"{rule.Name}, {WeightingNames.Name(rule.Weighting)}");
                scores.Add(runner.Run(rule));
            }
        }

        Report(rules.Count, "times");
        long scoredTokens = windows.Scored.Sum(window => window.Length - 1L);
        double bytes = (double)text.Bytes * scoredTokens / (text.Tokens.Length - 1);
        var arithmetic = new SweepArithmetic(rules, scores, bytes, trained);
        IReadOnlyList<SweepRow> rows = arithmetic.Rows();
        IReadOnlyList<SweepTime> times = SweepBars.Times(Times(model, text, budgets, cancel));
        Report(rules.Count + 1, "");
        return new SweepReport
        {
            Model = model.Info,
            Text = text.Info,
            Machine = machine,
            Windows = windows.Scored.Count,
            WindowTokens = windowTokens,
            ScoredTokens = scoredTokens,
            CalibrationTokens = calibration.Sum(window => (long)window.Length),
            CalibrationSource = windows.Between.Count > 0 ? "windows between them" : text.Info.WarmupSource,
            Gap = arithmetic.Gap,
            Rows = rows,
            Times = times,
            Bars = SweepBars.Of(rows, times, trained, weighting),
            BestSignal = arithmetic.BestSignal(weighting),
        };

        void Report(int done, string current) => progress.Report(new BenchmarkProgress("sweep", done, rules.Count + 1, current));
    }

    // As in the plain evaluation: rows take turns, and times are those of the median window.
    private static IReadOnlyList<EvaluationRow> Times(EvaluatedModel model, PreparedText text, double[] budgets, CancellationToken cancel) =>
        Evaluator.Run(
            model, EvaluationPlan.Rows(model.Info.TrainedExperts, budgets), text.Tokens.AsMemory(0, Math.Min(TimedTokens, text.Tokens.Length)),
            text.Bytes, text.Warmup, null, cancel);
}
