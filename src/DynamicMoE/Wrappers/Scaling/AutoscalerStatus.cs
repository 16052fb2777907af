namespace DynamicMoE;

/// <summary>State of an <see cref="OptimizedRouter"/>'s autoscaler. Load is of the window, as of its last interval.</summary>
public sealed record AutoscalerStatus
{
    /// <summary>Whether it decides. Otherwise calls may use MaxWorkers threads, or one where parallel work is off.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Most threads that a call may use now.</summary>
    public required int Workers { get; init; }

    /// <summary>Fewest that it goes down to.</summary>
    public required int MinWorkers { get; init; }

    /// <summary>Most that it goes up to: what was asked for, and at most the native pool's.</summary>
    public required int MaxWorkers { get; init; }

    /// <summary>95th percentile of a call.</summary>
    public required TimeSpan P95 { get; init; }

    /// <summary>Mean number of calls that wait for a core.</summary>
    public required double QueueDepth { get; init; }

    /// <summary>Share of the pool's threads that callers of this router hold, 0 to 1.</summary>
    public required double Utilization { get; init; }

    /// <summary>Experts per token proposed to the budget, 0 or below.</summary>
    public required double BudgetOffset { get; init; }

    /// <summary>Whether there is a budget to propose to.</summary>
    public required bool ProposesBudget { get; init; }

    /// <summary>Times that a call was given more threads.</summary>
    public required long ScaleUps { get; init; }

    /// <summary>Times that a call was given fewer threads.</summary>
    public required long ScaleDowns { get; init; }

    /// <summary>Times that the proposal to the budget changed.</summary>
    public required long BudgetChanges { get; init; }

    /// <summary>The last change; None before the first.</summary>
    public required ScalingAction LastAction { get; init; }
}
