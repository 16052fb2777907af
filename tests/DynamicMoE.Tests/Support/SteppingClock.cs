namespace DynamicMoE.Tests.Support;

/// <summary>A clock that moves by one microsecond whenever it is read.</summary>
internal sealed class SteppingClock : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1_000_000;

    public double Seconds => Volatile.Read(ref _now) / 1e6;

    public override long GetTimestamp() => Interlocked.Increment(ref _now);
}
