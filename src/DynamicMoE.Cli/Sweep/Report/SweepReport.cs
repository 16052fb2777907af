using DynamicMoE.Cli.Evaluation;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>Everything that a sweep found.</summary>
internal sealed record SweepReport
{
    /// <summary>Model.</summary>
    public required EvaluationModelInfo Model { get; init; }

    /// <summary>Text.</summary>
    public required EvaluationTextInfo Text { get; init; }

    /// <summary>Machine.</summary>
    public required EvaluationMachineInfo Machine { get; init; }

    /// <summary>Windows over which differences are paired.</summary>
    public required int Windows { get; init; }

    /// <summary>Tokens per window.</summary>
    public required int WindowTokens { get; init; }

    /// <summary>Tokens that were scored.</summary>
    public required long ScoredTokens { get; init; }

    /// <summary>Tokens on which ranks and first thresholds were found; none of them is scored.</summary>
    public required long CalibrationTokens { get; init; }

    /// <summary>Where they come from.</summary>
    public required string CalibrationSource { get; init; }

    /// <summary>What a share of the gap refers to.</summary>
    public required SweepGap Gap { get; init; }

    /// <summary>Static rows, then signals by budget.</summary>
    public required IReadOnlyList<SweepRow> Rows { get; init; }

    /// <summary>Wall times; empty when they were not asked for.</summary>
    public required IReadOnlyList<SweepTime> Times { get; init; }

    /// <summary>The limits that the default is held to.</summary>
    public required IReadOnlyList<SweepBar> Bars { get; init; }

    /// <summary>The signal without knowledge of the outcome that loses least, mean over the budgets.</summary>
    public required string BestSignal { get; init; }
}

/// <summary>Bits per byte of static top-1 above those of the trained rule.</summary>
internal sealed record SweepGap
{
    /// <summary>top-1 as the checkpoint runs with num_experts_per_tok = 1.</summary>
    public required double BitsPerByte { get; init; }

    /// <summary>Its standard error, paired over windows.</summary>
    public required double StandardError { get; init; }

    /// <summary>top-1 with the weight that the expert has in the trained selection; null where that is the same rule.</summary>
    public required double? TrainedScaleBitsPerByte { get; init; }
}

/// <summary>One rule.</summary>
internal sealed record SweepRow
{
    /// <summary>"static top-2", "confidence 1.5".</summary>
    public required string Name { get; init; }

    /// <summary>"static", "confidence", "top_p", an estimator's name, "random" or "oracle".</summary>
    public required string Signal { get; init; }

    /// <summary>renormalize, trained_scale or raw.</summary>
    public required string Weighting { get; init; }

    /// <summary>Mean experts per token that was asked for; null = static.</summary>
    public required double? Budget { get; init; }

    /// <summary>Realised mean over tokens and layers.</summary>
    public required double MeanExpertsPerToken { get; init; }

    /// <summary>-log2 p per byte.</summary>
    public required double BitsPerByte { get; init; }

    /// <summary>Bits per byte above those of the trained rule.</summary>
    public required double Loss { get; init; }

    /// <summary>Its standard error, paired over windows.</summary>
    public required double LossStandardError { get; init; }

    /// <summary>Loss over the gap; null where top-1 is no worse than the trained rule.</summary>
    public required double? ShareOfGap { get; init; }

    /// <summary>Upper end of its two-sided 95 % interval, paired over windows; null without a share.</summary>
    public required double? ShareOfGapUpper { get; init; }

    /// <summary>Loss over the gap to top-1 with trained weights; null where that is the same rule, or no worse.</summary>
    public required double? ShareOfTrainedScaleGap { get; init; }

    /// <summary>Bits by which it beats the random control at the same budget, in standard errors paired over windows; null without one.</summary>
    public required double? ErrorsBelowRandom { get; init; }
}

/// <summary>Time of a rule in the MoE layers.</summary>
internal sealed record SweepTime
{
    /// <summary>"static top-2", "dynamic 1.5".</summary>
    public required string Name { get; init; }

    /// <summary>Realised mean over tokens and layers.</summary>
    public required double MeanExpertsPerToken { get; init; }

    /// <summary>Wall time in MoE layers: that of the median window, times the windows.</summary>
    public required double MoeWallSeconds { get; init; }

    /// <summary>Time over that of the trained rule.</summary>
    public required double Ratio { get; init; }
}

/// <summary>A limit and what was found.</summary>
internal sealed record SweepBar
{
    /// <summary>What is limited.</summary>
    public required string Name { get; init; }

    /// <summary>Mean experts per token.</summary>
    public required double Budget { get; init; }

    /// <summary>What was found.</summary>
    public required double Value { get; init; }

    /// <summary>The limit.</summary>
    public required double Limit { get; init; }

    /// <summary>Whether it is kept.</summary>
    public required bool Met { get; init; }
}
