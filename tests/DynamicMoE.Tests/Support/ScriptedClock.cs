namespace DynamicMoE.Tests.Support;

/// <summary>A clock whose readings come in pairs: the time between the two of the n-th pair is the n-th of a list, which repeats.</summary>
internal sealed class ScriptedClock(params double[] milliseconds) : TimeProvider
{
    private long _ticks;
    private int _readings;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        if (_readings % 2 == 1)
        {
            _ticks += TimeSpan.FromMilliseconds(milliseconds[_readings / 2 % milliseconds.Length]).Ticks;
        }

        _readings++;
        return _ticks;
    }
}
