namespace DynamicMoE;

/// <summary>What follows from a load. Above a target something is done at once; low is only what is below a share of every target.</summary>
internal static class ScalingRules
{
    /// <summary>Whether a target is missed.</summary>
    internal static bool IsHot(in ScalingLoad load, ScalingOptions o) => load.P95 > o.TargetP95.TotalSeconds || load.Queue > o.MaxQueueDepth;

    /// <summary>Whether every target is held easily.</summary>
    internal static bool IsCalm(in ScalingLoad load, ScalingOptions o) =>
        load.P95 <= o.CalmShare * o.TargetP95.TotalSeconds && load.Queue <= o.CalmShare * o.MaxQueueDepth && load.Utilization <= o.LowUtilization;

    /// <summary>What to change when a target is missed.</summary>
    /// <param name="load">The load.</param>
    /// <param name="o">Targets.</param>
    /// <param name="workers">Threads of a call now.</param>
    /// <param name="most">Most threads of a call.</param>
    /// <param name="canCut">Whether the budget can be lowered.</param>
    internal static ScalingAction WhenHot(in ScalingLoad load, ScalingOptions o, int workers, int most, bool canCut)
    {
        // Where calls alone fill the cores, threads that help one call are missing to another.
        bool crowded = load.Queue > o.MaxQueueDepth || load.Utilization >= o.HighUtilization;
        return !crowded && workers < most ? ScalingAction.MoreWorkers
            : crowded && workers > o.MinWorkers ? ScalingAction.FewerWorkers
            : canCut ? ScalingAction.LowerBudget
            : ScalingAction.None;
    }

    /// <summary>What to change when every target has been held easily for long enough: quality first.</summary>
    internal static ScalingAction WhenCalm(ScalingOptions o, int workers, double offset) =>
        offset < 0 ? ScalingAction.RaiseBudget : workers > o.MinWorkers ? ScalingAction.FewerWorkers : ScalingAction.None;
}
