namespace DynamicMoE.Cli.Evaluation;

/// <summary>Runs a text through a model once per routing rule and makes the rows of the table.</summary>
internal static class Evaluator
{
    // Changing the row costs the model a new set of routers, which four windows make negligible.
    private const int WindowsPerRound = 4;

    // A long text has thousands of rounds; that many steps tell somebody who waits enough.
    private const int MostSteps = 50;

    /// <summary>Evaluates.</summary>
    /// <param name="model">Model.</param>
    /// <param name="rules">Rows; savings refer to the first.</param>
    /// <param name="text">Tokens that are scored.</param>
    /// <param name="bytes">UTF-8 bytes of the scored tokens, that is without the first token's.</param>
    /// <param name="warmup">Tokens that are not scored: thresholds, caches and code reach their working state on them.</param>
    /// <param name="progress">Told what comes next, between windows.</param>
    /// <param name="cancel">Ends the run between two windows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<EvaluationRow> Run(
        IEvaluationModel model,
        IReadOnlyList<RoutingRule> rules,
        ReadOnlyMemory<int> text,
        long bytes,
        ReadOnlyMemory<int> warmup,
        IProgress<BenchmarkProgress>? progress,
        CancellationToken cancel)
    {
        IReadOnlyList<ReadOnlyMemory<int>> windows = TextWindows.Of(text, model.Info.Window);
        int rounds = Parts(windows.Count, WindowsPerRound);
        int stride = Parts(rounds, MostSteps);
        int steps = 1 + Parts(rounds, stride);
        Report(0, "warm-up");
        List<IEvaluationRun> runs = [.. rules.Select(model.Start)];
        IReadOnlyList<ReadOnlyMemory<int>> warmupWindows = TextWindows.Of(warmup, model.Info.Window);
        for (int i = 0; i < runs.Count; i++)
        {
            // Only a threshold has something to learn; the others need their code compiled and their memory touched.
            Score(runs[i], rules[i].Budget is null ? warmupWindows.Take(1) : warmupWindows, cancel);
        }

        List<WindowScore>[] scores = Interleave(runs, windows, Started, cancel);
        Report(steps, "");
        return [.. rules.Select((rule, i) => Row(rule, scores[i], scores[0], bytes))];

        void Started(int round)
        {
            if (round % stride == 0)
            {
                Report(1 + (round / stride), $"from window {(round * WindowsPerRound) + 1} of {windows.Count} on");
            }
        }

        void Report(int done, string current) => progress?.Report(new BenchmarkProgress("eval", done, steps, current));
    }

    private static int Parts(int count, int size) => (count + size - 1) / size;

    // All rows take a round of windows before any takes the next, each round starting with another row: what disturbs
    // the machine for a second then disturbs every row alike, and ratios between rows stay comparable.
    private static List<WindowScore>[] Interleave(
        List<IEvaluationRun> runs, IReadOnlyList<ReadOnlyMemory<int>> windows, Action<int> started, CancellationToken cancel)
    {
        List<WindowScore>[] scores = [.. runs.Select(_ => new List<WindowScore>())];
        foreach ((int round, ReadOnlyMemory<int>[] some) in windows.Chunk(WindowsPerRound).Index())
        {
            started(round);
            for (int i = 0; i < runs.Count; i++)
            {
                int row = (round + i) % runs.Count;
                scores[row].AddRange(Score(runs[row], some, cancel));
            }
        }

        return scores;
    }

    private static List<WindowScore> Score(IEvaluationRun run, IEnumerable<ReadOnlyMemory<int>> windows, CancellationToken cancel)
    {
        var scores = new List<WindowScore>();
        foreach (ReadOnlyMemory<int> window in windows)
        {
            cancel.ThrowIfCancellationRequested();
            scores.Add(run.Score(window.Span));
        }

        return scores;
    }

    private static EvaluationRow Row(RoutingRule rule, List<WindowScore> scores, List<WindowScore> first, long bytes)
    {
        WindowScore sum = Sum(scores);
        return new EvaluationRow
        {
            Name = rule.Name,
            Budget = rule.Budget,
            BitsPerByte = sum.Nats / Math.Log(2) / bytes,
            MeanExpertsPerToken = sum.Report.MeanExpertsPerToken,
            DistinctExpertsPerBatch = sum.Report.MeanDistinctExperts,
            MoeFlops = sum.Report.MoEFlops,
            MoeWallSeconds = MoESeconds(scores),
            TokensPerSecond = 1 / Median(scores.Select(score => score.Seconds / score.Report.Tokens)),
            FlopsSaving = 1 - (sum.Report.MoEFlops / Sum(first).Report.MoEFlops),
            WallSaving = 1 - (MoESeconds(scores) / MoESeconds(first)),
        };
    }

    private static WindowScore Sum(List<WindowScore> scores) => scores.Aggregate((a, b) => a + b);

    // By the median window: one that the machine interrupted does not count.
    private static double MoESeconds(List<WindowScore> scores) =>
        Median(scores.Select(score => score.Report.MoETime.TotalSeconds / score.Report.Tokens)) * Sum(scores).Report.Tokens;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
