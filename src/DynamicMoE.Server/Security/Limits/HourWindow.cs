namespace DynamicMoE.Server;

/// <summary>Requests of the running minute and of the 60 before it: never more than the limit in any 60 minutes. Not thread-safe.</summary>
internal sealed class HourWindow
{
    private const int Minutes = 60;
    private const int Seconds = 60;

    private readonly int[] _counts = new int[Minutes + 1];
    private long _newest;
    private int _sum;

    /// <summary>Whether nothing is remembered.</summary>
    public bool IsEmptyAt(double seconds)
    {
        Advance(seconds);
        return _sum == 0;
    }

    /// <summary>Counts a request, unless the limit is reached.</summary>
    /// <param name="seconds">Time since a fixed moment; never falls.</param>
    /// <param name="limit">Requests, at least 1.</param>
    public WindowState Take(double seconds, int limit)
    {
        Advance(seconds);
        if (_sum >= limit)
        {
            return new WindowState(false, 0, UntilBelow(limit, seconds));
        }

        _counts[_newest % _counts.Length]++;
        _sum++;
        return new WindowState(true, limit - _sum, UntilBelow(_sum, seconds));
    }

    private void Advance(double seconds)
    {
        long minute = (long)(seconds / Seconds);
        long steps = Math.Min(minute - _newest, _counts.Length);
        for (long i = 1; i <= steps; i++)
        {
            ref int oldest = ref _counts[(minute - steps + i) % _counts.Length];
            _sum -= oldest;
            oldest = 0;
        }

        _newest = Math.Max(minute, _newest);
    }

    // Time until so many of the oldest are forgotten that fewer than `bound` are left.
    private double UntilBelow(int bound, double seconds)
    {
        int left = _sum;
        for (long minute = Math.Max(0, _newest - Minutes); minute <= _newest; minute++)
        {
            left -= _counts[minute % _counts.Length];
            if (left < bound)
            {
                return ((minute + Minutes + 1) * Seconds) - seconds;
            }
        }

        return 0;
    }
}

/// <summary>What a window says to a request.</summary>
/// <param name="Taken">Whether it was counted; else the limit is reached.</param>
/// <param name="Left">Requests that would be taken now.</param>
/// <param name="Wait">Seconds until there is room for one more than now.</param>
internal readonly record struct WindowState(bool Taken, int Left, double Wait);
