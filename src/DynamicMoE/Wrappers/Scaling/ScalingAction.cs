namespace DynamicMoE;

/// <summary>What an autoscaler changes.</summary>
public enum ScalingAction
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>More threads per call: the target is missed while cores are free.</summary>
    MoreWorkers = 1,

    /// <summary>Fewer threads per call: the target is missed while calls alone fill the cores, or fewer suffice.</summary>
    FewerWorkers = 2,

    /// <summary>Fewer experts per token are proposed: the target is missed and threads do not help.</summary>
    LowerBudget = 3,

    /// <summary>What was taken from the budget is given back, step by step: the target is held easily.</summary>
    RaiseBudget = 4,
}
