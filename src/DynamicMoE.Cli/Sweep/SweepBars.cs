using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Sweep.Report;

namespace DynamicMoE.Cli.Sweep;

/// <summary>What the default is held to: a share of the gap for a model trained with two experts, and better than chance at every budget.</summary>
internal static class SweepBars
{
    /// <summary>Name of the bar against chance, the only one that asks for more instead of less.</summary>
    public const string ErrorsBelowRandom = "errors_below_random";

    /// <summary>Standard errors by which the default has to beat the random control.</summary>
    public const double LeastErrors = 5;

    /// <summary>What the time ratio may lie above the share of the experts.</summary>
    public const double TimeMargin = 0.08;

    private static readonly (double Budget, double Share)[] Shares = [(1.25, 0.18), (1.5, 0.08)];

    /// <summary>Makes the bars of the default's rows.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="times">Wall times.</param>
    /// <param name="trained">Trained number of experts.</param>
    /// <param name="weighting">Weighting of the default's rows.</param>
    public static IReadOnlyList<SweepBar> Of(IReadOnlyList<SweepRow> rows, IReadOnlyList<SweepTime> times, int trained, Weighting weighting)
    {
        var bars = new List<SweepBar>();
        string weights = WeightingNames.Name(weighting);
        SweepRow[] confidence = [.. rows.Where(row => row.Signal == SweepRule.Confidence && row.Weighting == weights)];
        foreach (SweepRow row in confidence)
        {
            foreach ((double budget, double share) in Shares.Where(bar => trained == 2 && bar.Budget == row.Budget))
            {
                if (row.ShareOfGapUpper is { } upper)
                {
                    bars.Add(Most("share_of_gap_upper", budget, upper, share));
                }
            }
        }

        bars.AddRange(confidence.Select(row => new SweepBar
        {
            Name = ErrorsBelowRandom,
            Budget = row.Budget!.Value,
            Value = row.ErrorsBelowRandom ?? 0,
            Limit = LeastErrors,
            Met = row.ErrorsBelowRandom > LeastErrors,
        }));
        bars.AddRange(times.Skip(1).Select(time =>
            Most("moe_time_ratio", Math.Round(time.MeanExpertsPerToken, 2), time.Ratio, (time.MeanExpertsPerToken / trained) + TimeMargin)));
        return bars;
    }

    /// <summary>Ratios to the first row.</summary>
    public static IReadOnlyList<SweepTime> Times(IReadOnlyList<EvaluationRow> rows) =>
    [
        .. rows.Select(row => new SweepTime
        {
            Name = row.Name,
            MeanExpertsPerToken = row.MeanExpertsPerToken,
            MoeWallSeconds = row.MoeWallSeconds,
            Ratio = row.MoeWallSeconds / rows[0].MoeWallSeconds,
        }),
    ];

    private static SweepBar Most(string name, double budget, double value, double limit) =>
        new() { Name = name, Budget = budget, Value = value, Limit = limit, Met = value <= limit };
}
