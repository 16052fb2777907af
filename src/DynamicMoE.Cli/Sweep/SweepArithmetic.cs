using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Sweep.Report;
using DynamicMoE.Cli.Sweep.Scores;

namespace DynamicMoE.Cli.Sweep;

/// <summary>Makes rows of what the windows measured. Every difference is paired over windows.</summary>
internal sealed class SweepArithmetic
{
    private readonly IReadOnlyList<SweepRule> _rules;
    private readonly double[][] _bits;
    private readonly double[] _means;
    private readonly double _bytes;
    private readonly double[] _trained;
    private readonly double[] _gaps;
    private readonly double[]? _trainedScaleGaps;

    /// <summary>Takes the measurements.</summary>
    /// <param name="rules">Rules; one static rule with the trained number of experts and one with a single expert are among them.</param>
    /// <param name="scores">Windows of each rule.</param>
    /// <param name="bytes">UTF-8 bytes that were scored.</param>
    /// <param name="trained">Trained number of experts.</param>
    public SweepArithmetic(IReadOnlyList<SweepRule> rules, IReadOnlyList<IReadOnlyList<WindowScore>> scores, double bytes, int trained)
    {
        _rules = rules;
        _bytes = bytes;
        _bits = [.. scores.Select(windows => windows.Select(window => window.Nats / Math.Log(2)).ToArray())];
        _means = [.. scores.Select(windows => windows.Aggregate((a, b) => a + b).Report.MeanExpertsPerToken)];
        _trained = _bits[Static(trained)[0]];
        int[] single = Static(1);
        _gaps = Minus(_bits[single[0]], _trained);
        _trainedScaleGaps = single.Length > 1 ? Minus(_bits[single[1]], _trained) : null;
    }

    /// <summary>The gap.</summary>
    public SweepGap Gap => new()
    {
        BitsPerByte = _gaps.Sum() / _bytes,
        StandardError = PairedStatistics.Difference(_gaps, new double[_gaps.Length]).Error / _bytes,
        TrainedScaleBitsPerByte = _trainedScaleGaps?.Sum() / _bytes,
    };

    /// <summary>One row per rule.</summary>
    public IReadOnlyList<SweepRow> Rows() => [.. _rules.Select(Row)];

    /// <summary>The signal with the least loss, mean over the budgets; the control and the bound do not count.</summary>
    public string BestSignal(Weighting weighting) => _rules
        .Select((rule, i) => (rule, Loss: _bits[i].Sum()))
        .Where(row => row.rule.Budget is not null && row.rule.Weighting == weighting && row.rule.Signal is not (TokenScores.Random or TokenScores.Oracle))
        .GroupBy(row => row.rule.Signal)
        .MinBy(signal => signal.Average(row => row.Loss))!.Key;

    private SweepRow Row(SweepRule rule, int index)
    {
        double[] bits = _bits[index];
        Estimate loss = PairedStatistics.Difference(bits, _trained);
        Estimate? share = Share(Minus(bits, _trained), _gaps);
        return new SweepRow
        {
            Name = rule.Name,
            Signal = rule.Signal,
            Weighting = WeightingNames.Name(rule.Weighting),
            Budget = rule.Budget,
            MeanExpertsPerToken = _means[index],
            BitsPerByte = bits.Sum() / _bytes,
            Loss = loss.Value / _bytes,
            LossStandardError = loss.Error / _bytes,
            ShareOfGap = share?.Value,
            ShareOfGapUpper = share?.Upper,
            ShareOfTrainedScaleGap = _trainedScaleGaps is null ? null : Share(Minus(bits, _trained), _trainedScaleGaps)?.Value,
            ErrorsBelowRandom = BelowRandom(rule, bits),
        };
    }

    // Where a single expert is no worse there is nothing to lose: a share of it would say that losses are gains.
    private static Estimate? Share(double[] losses, double[] gaps) => gaps.Sum() > 0 ? PairedStatistics.Ratio(losses, gaps) : null;

    private double? BelowRandom(SweepRule rule, double[] bits)
    {
        int random = _rules.ToList().FindIndex(other => other.Signal == TokenScores.Random && other.Budget == rule.Budget);
        if (rule.Budget is null || random < 0 || rule.Signal == TokenScores.Random)
        {
            return null;
        }

        Estimate difference = PairedStatistics.Difference(_bits[random], bits);
        return difference.Error > 0 ? difference.Value / difference.Error : null;
    }

    private int[] Static(int experts) =>
        [.. Enumerable.Range(0, _rules.Count).Where(i => _rules[i].Kind == SweepKind.Static && _rules[i].Experts == experts)];

    private static double[] Minus(double[] left, double[] right) => [.. left.Zip(right, (a, b) => a - b)];
}
