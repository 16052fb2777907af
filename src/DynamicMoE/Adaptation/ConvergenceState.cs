namespace DynamicMoE;

/// <summary>Whether a layer's realised mean holds its budget, over a rolling window of 100 batches of 64 tokens.</summary>
public enum ConvergenceState
{
    /// <summary>Not known yet: fewer than 100 batches were seen, or the mean has been off for fewer than 200.</summary>
    Settling = 0,

    /// <summary>The mean of the window is within 2 % of the budget.</summary>
    Converged = 1,

    /// <summary>The mean of the window has been off by more than 2 % for 200 batches. The threshold keeps following what it sees.</summary>
    Missed = 2,
}
