namespace DynamicMoE;

/// <summary>Waits for a point in time.</summary>
internal static class ArrivalWait
{
    // Waits of the system end up to a millisecond late; what is left below this is spun.
    private const double SpinSeconds = 0.002;

    /// <summary>Returns once the clock shows <paramref name="timestamp"/>, at once when it does.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal static void Until(TimeProvider clock, long timestamp, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            long now = clock.GetTimestamp();
            if (now >= timestamp)
            {
                return;
            }

            double left = clock.Seconds(now, timestamp);
            if (clock != TimeProvider.System)
            {
                ByTimer(clock, timestamp - now, cancel);
            }
            else if (left > SpinSeconds)
            {
                _ = cancel.WaitHandle.WaitOne(TimeSpan.FromSeconds(left - (SpinSeconds / 2)));
            }
            else
            {
                // Whoever has work goes first: the threads that serve requests may need this core.
                Thread.Yield();
            }
        }
    }

    private static void ByTimer(TimeProvider clock, long clockTicks, CancellationToken cancel)
    {
        // Rounded up in whole numbers: a timer that is due too early would be made again and again.
        long frequency = clock.TimestampFrequency;
        var left = TimeSpan.FromTicks((long)((((Int128)clockTicks * TimeSpan.TicksPerSecond) + frequency - 1) / frequency));
        using var due = new ManualResetEventSlim();
        using ITimer timer = clock.CreateTimer(_ => due.Set(), null, left, Timeout.InfiniteTimeSpan);
        due.Wait(cancel);
    }
}
