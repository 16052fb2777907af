namespace DynamicMoE;

/// <summary>Watches the window of realised means: settled, missed, and who waits for it. Not thread-safe but for <see cref="State"/>.</summary>
internal sealed class Convergence
{
    internal const double Tolerance = 0.02;
    private const int PatienceBatches = 200;

    private readonly BudgetWindow _window = new();
    private TaskCompletionSource? _changed;
    private volatile int _state;
    private long _outside;

    internal ConvergenceState State => (ConvergenceState)_state;

    /// <summary>Mean of the window; NaN before its first batch.</summary>
    internal double Mean => _window.Mean;

    /// <summary>Completes with the next change of the state.</summary>
    internal Task Changed => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <returns>Whether the state changed.</returns>
    internal bool Add(long tokens, long routes, double budget)
    {
        if (!_window.Add(tokens, routes, budget))
        {
            return false;
        }

        bool inside = _window.Full && _window.Miss <= Tolerance;
        _outside = inside ? 0 : _outside + 1;
        return Enter(inside ? ConvergenceState.Converged : _outside >= PatienceBatches ? ConvergenceState.Missed : ConvergenceState.Settling);
    }

    /// <returns>Whether the state changed.</returns>
    internal bool Restart()
    {
        _window.Clear();
        _outside = 0;
        return Enter(ConvergenceState.Settling);
    }

    private bool Enter(ConvergenceState next)
    {
        if (next == State)
        {
            return false;
        }

        _state = (int)next;
        _changed?.TrySetResult();
        _changed = null;
        return true;
    }
}
