namespace DynamicMoE;

/// <content>The state as a whole.</content>
public sealed partial class ThresholdController
{
    /// <summary>Copies the state.</summary>
    /// <returns>A snapshot that <see cref="Restore"/> takes.</returns>
    public ThresholdControllerSnapshot Snapshot()
    {
        lock (_gate)
        {
            (double[] counts, GapAtom[] atoms) = _histogram.Copy();
            return new ThresholdControllerSnapshot(_budget, _tau, _error, _histogram.Tokens, _histogram.Zeros, counts, atoms);
        }
    }

    /// <summary>Takes over a state. Under a <see cref="BudgetArbiter"/> the budget stays the arbiter's, and the threshold for it is found anew from what the
    /// state has seen.</summary>
    /// <param name="snapshot">From <see cref="Snapshot"/>, of a controller with the same MinExperts and MaxExperts.</param>
    /// <exception cref="ArgumentNullException"><paramref name="snapshot"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The snapshot does not fit; nothing was changed.</exception>
    public void Restore(ThresholdControllerSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        snapshot.Rules(_options).ThrowIfBroken();
        Take(snapshot, Changed is null ? snapshot.Budget : null);
    }

    /// <summary>Takes over a state that fits.</summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="budget">Mean experts per token to hold from now on; null = what is held now.</param>
    internal void Take(ThresholdControllerSnapshot snapshot, double? budget)
    {
        bool changed;
        lock (_gate)
        {
            _histogram.Restore(snapshot.GapCounts.ToArray(), snapshot.Tokens, snapshot.ZeroGaps, snapshot.Atoms);
            _error = snapshot.Error;
            _unsearched = 0;
            changed = _convergence.Restart();
            Volatile.Write(ref _budget, budget ?? _budget);
            Volatile.Write(ref _tau, snapshot.Tau);
            Tabulate();
            if (_budget != snapshot.Budget)
            {
                // The error was made against another budget.
                _error = 0;
                changed |= Search();
            }
        }

        Tell(changed);
    }

    /// <exception cref="RouterConfigurationException">The snapshot does not fit.</exception>
    internal void RequireFits(ThresholdControllerSnapshot snapshot) => snapshot.Rules(_options).ThrowIfBroken();
}
