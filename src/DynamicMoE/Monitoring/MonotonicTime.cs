namespace DynamicMoE;

/// <summary>A clock's timestamps as a time of day that never goes back, for code that measures by time of day.</summary>
internal sealed class MonotonicTime(TimeProvider clock) : TimeProvider
{
    private static readonly DateTimeOffset s_epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly long _start = clock.GetTimestamp();
    private long _latest;

    public override DateTimeOffset GetUtcNow()
    {
        long ticks = clock.GetElapsedTime(_start, clock.GetTimestamp()).Ticks;
        long latest = Volatile.Read(ref _latest);
        while (ticks > latest)
        {
            long seen = Interlocked.CompareExchange(ref _latest, ticks, latest);
            if (seen == latest)
            {
                return s_epoch.AddTicks(ticks);
            }

            latest = seen;
        }

        return s_epoch.AddTicks(latest);
    }
}
