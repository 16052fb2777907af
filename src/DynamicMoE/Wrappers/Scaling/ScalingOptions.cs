using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Options of an <see cref="OptimizedRouter"/>'s autoscaler and workspaces. Checked when the router is built; later changes have no effect on it.</summary>
public sealed class ScalingOptions
{
    private const int MostSlots = 120;

    /// <summary>Target of the 95th percentile of a call: a batch of a layer over the router, routing and experts, once there is one; else of the router.</summary>
    /// <value>Between 1 microsecond and 60 seconds. The default is 10 milliseconds.</value>
    public TimeSpan TargetP95 { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Most calls that wait for a core, on average over the window: calls of layers and dense products that wait for their turn, and calls of
    /// this router beyond the pool's threads.</summary>
    /// <value>Between 0 and 1000000. The default is 1.</value>
    public double MaxQueueDepth { get; set; } = 1;

    /// <summary>Share of both targets below which the load is low; between the two nothing changes (hysteresis).</summary>
    /// <value>Between 0.05 and 0.95. The default is 0.7.</value>
    public double CalmShare { get; set; } = 0.7;

    /// <summary>Utilisation above which callers alone fill the cores.</summary>
    /// <value>Between <see cref="LowUtilization"/> and 1. The default is 0.8.</value>
    public double HighUtilization { get; set; } = 0.8;

    /// <summary>Utilisation below which the load is low.</summary>
    /// <value>Between 0 and <see cref="HighUtilization"/>. The default is 0.5.</value>
    public double LowUtilization { get; set; } = 0.5;

    /// <summary>Fewest threads of a call.</summary>
    /// <value>Between 1 and the router's most. The default is 1.</value>
    public int MinWorkers { get; set; } = 1;

    /// <summary>Time between two decisions.</summary>
    /// <value>Between 10 milliseconds and 1 hour. The default is 1 second.</value>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Length of the window that load is measured over, and for which it must stay low before anything is given up or given back. Doubles, up to
    /// sixteenfold, each time such a step proves wrong.</summary>
    /// <value>Between <see cref="Interval"/> and 120 times that. The default is 60 seconds.</value>
    public TimeSpan Stabilization { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Calls since the last change that a decision needs at least.</summary>
    /// <value>Between 1 and 1000000. The default is 20.</value>
    public int MinCalls { get; set; } = 20;

    /// <summary>Experts per token by which the proposal to the budget changes at a time.</summary>
    /// <value>Above 0, at most 16. The default is 0.1.</value>
    public double BudgetStep { get; set; } = 0.1;

    /// <summary>Most experts per token that are taken from the budget. A router without an arbiter, or not of the arbiter's layer 0, proposes nothing.</summary>
    /// <value>Between 0, which proposes nothing, and 4096. The default is 0.5.</value>
    public double MaxBudgetCut { get; set; } = 0.5;

    /// <summary>Native workspaces kept ready for calls that overlap. More are made as they are needed, and freed once a whole window did without them.</summary>
    /// <value>Between 1 and 1024. The default is 2.</value>
    public int ReadyWorkspaces { get; set; } = 2;

    /// <summary>The clock.</summary>
    /// <value>The default is that of the system.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Receives a message for each change.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    /// <summary>Intervals of a window.</summary>
    internal int Slots => (int)(Stabilization / Interval);

    /// <param name="maxWorkers">Most threads of a call.</param>
    internal ScalingOptions Validated(int maxWorkers)
    {
        new OptionRules(nameof(ScalingOptions))
            .Range("MaxWorkers", maxWorkers, 1, Limits.MaxThreads)
            .Range(nameof(MinWorkers), MinWorkers, 1, Math.Clamp(maxWorkers, 1, Limits.MaxThreads))
            .Require(TargetP95 >= TimeSpan.FromMicroseconds(1) && TargetP95 <= TimeSpan.FromSeconds(60), $"TargetP95 ({TargetP95}) is outside 00:00:00.000001..00:01:00.")
            .Range(nameof(MaxQueueDepth), MaxQueueDepth, 0, 1_000_000)
            .Range(nameof(CalmShare), CalmShare, 0.05, 0.95)
            .Range(nameof(LowUtilization), LowUtilization, 0, 1)
            .Require(HighUtilization >= LowUtilization && HighUtilization <= 1, $"HighUtilization ({HighUtilization}) is outside LowUtilization..1 ({LowUtilization}..1).")
            .Require(Interval >= TimeSpan.FromMilliseconds(10) && Interval <= TimeSpan.FromHours(1), $"Interval ({Interval}) is outside 00:00:00.010..01:00:00.")
            .Require(
                Stabilization >= Interval && Stabilization.Ticks / Math.Max(1, Interval.Ticks) <= MostSlots,
                $"Stabilization ({Stabilization}) is outside 1..{MostSlots} times Interval ({Interval}).")
            .Range(nameof(MinCalls), MinCalls, 1, 1_000_000)
            .Require(BudgetStep is > 0 and <= 16, $"BudgetStep ({BudgetStep}) must be above 0 and at most 16.")
            .Range(nameof(MaxBudgetCut), MaxBudgetCut, 0, Limits.MaxExperts)
            .Range(nameof(ReadyWorkspaces), ReadyWorkspaces, 1, 1024)
            .Require(TimeProvider is not null, $"TimeProvider must not be null.")
            .ThrowIfBroken();
        return (ScalingOptions)MemberwiseClone();
    }
}
