using System.Threading.Channels;

namespace DynamicMoE.Tests.Support;

/// <summary>A clock that moves only when it is told to; its timers fire then, on the thread that moves it. Timestamps and time of day move apart where a
/// test wants it. Safe for many threads.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly Channel<bool> _armed = Channel.CreateUnbounded<bool>();
    private long _ticks;
    private DateTimeOffset _utcNow = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _utcNow;
        }
    }

    public void Advance(TimeSpan by)
    {
        ManualTimer[] timers;
        lock (_gate)
        {
            _ticks += by.Ticks;
            _utcNow += by;
            timers = [.. _timers];
        }

        foreach (ManualTimer timer in timers)
        {
            timer.FireIfDue(GetTimestamp());
        }
    }

    /// <summary>Sets the time of day; timestamps stay.</summary>
    public void SetTimeOfDay(DateTimeOffset utcNow)
    {
        lock (_gate)
        {
            _utcNow = utcNow;
        }
    }

    /// <summary>Completes once a timer was armed that no earlier call of this has seen. One that never is fails the test instead of stopping the run.</summary>
    public async Task UntilArmed() => await _armed.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        lock (_gate)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ManualTimer(ManualClock clock, Action fire) : ITimer
    {
        private long _due = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool arms = dueTime != Timeout.InfiniteTimeSpan;
            Interlocked.Exchange(ref _due, arms ? clock.GetTimestamp() + dueTime.Ticks : long.MaxValue);
            if (arms)
            {
                clock._armed.Writer.TryWrite(true);
            }

            return true;
        }

        public void FireIfDue(long now)
        {
            if (now >= Interlocked.Read(ref _due))
            {
                Interlocked.Exchange(ref _due, long.MaxValue);
                fire();
            }
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
