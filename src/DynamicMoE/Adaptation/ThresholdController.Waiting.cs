namespace DynamicMoE;

/// <content>Waiting for convergence.</content>
public sealed partial class ThresholdController
{
    /// <summary>Waits until the realised mean holds the budget.</summary>
    /// <param name="timeout">Longest wait; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="timeProvider">Clock of the timeout; null for that of the system.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Completes once <see cref="State"/> is Converged.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is negative and not infinite.</exception>
    /// <exception cref="ConvergenceException">The budget was missed for 200 batches, or the time is over.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task WaitForConvergenceAsync(
        TimeSpan timeout, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        RequireTimeout(timeout);
        TimeProvider clock = timeProvider ?? TimeProvider.System;
        long start = clock.GetTimestamp();
        while (true)
        {
            Task change;
            lock (_gate)
            {
                switch (_convergence.State)
                {
                    case ConvergenceState.Converged:
                        return;
                    case ConvergenceState.Missed:
                        throw new ConvergenceException(Missed());
                    default:
                        change = _convergence.Changed;
                        break;
                }
            }

            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - clock.GetElapsedTime(start);
            try
            {
                await change.WaitAsync(left > TimeSpan.Zero || timeout == left ? left : TimeSpan.Zero, clock, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException error)
            {
                throw new ConvergenceException($"{Missed()} The wait of {timeout} is over.", error);
            }
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    internal static void RequireTimeout(TimeSpan timeout)
    {
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        }
    }

    private string Missed() => double.IsNaN(_convergence.Mean)
        ? FormattableString.Invariant($"The budget is {_budget} experts per token, and nothing was routed under it yet.")
        : FormattableString.Invariant(
            $"The budget is {_budget} experts per token, the realised mean {_convergence.Mean:F3} over the last 100 batches; nearest reachable mean {_reachable:F3}.");
}
