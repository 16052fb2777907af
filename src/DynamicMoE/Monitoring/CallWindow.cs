using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>
/// Calls of a sliding window, in a ring of time slots, and of all time. Recording takes a lock for some tens of nanoseconds and allocates nothing. A clock
/// that goes back moves nothing; one that leaps ahead by the window or more empties it.
/// </summary>
internal sealed class CallWindow
{
    private const int Slots = 12;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly TimeSpan _slot;
    private readonly LatencyHistogram _latency = new(Slots);
    private readonly CallSums[] _sums = new CallSums[Slots];
    private readonly long[][] _routes;
    private CallSums _total;
    private long _slotStart;
    private int _current;
    private int _age;
    private volatile bool _used;

    internal CallWindow(TimeSpan length, TimeProvider time, int experts)
    {
        _time = time;
        _slot = length / Slots;
        _routes = [.. Enumerable.Range(0, Slots).Select(_ => new long[experts])];
        _slotStart = time.GetTimestamp();
    }

    /// <summary>Whether a call was ever recorded.</summary>
    internal bool IsUsed => _used;

    /// <summary>Records a call that returned routes.</summary>
    /// <returns>Its time in seconds, at least 0.</returns>
    internal double Served(long start, in RoutingReport report, ReadOnlySpan<long> expertRoutes)
    {
        long now = _time.GetTimestamp();
        double seconds = Math.Max(0, _time.GetElapsedTime(start, now).TotalSeconds);
        lock (_gate)
        {
            Advance(now);
            _used = true;
            ref CallSums sums = ref _sums[_current];
            sums.Served++;
            sums.Tokens += report.Tokens;
            sums.Routes += report.Routes;
            sums.Seconds += seconds;
            _latency.Add(seconds);
            long[] routes = _routes[_current];
            for (int expert = 0; expert < routes.Length; expert++)
            {
                routes[expert] += expertRoutes[expert];
            }
        }

        return seconds;
    }

    /// <summary>Records a call that failed.</summary>
    /// <returns>Its time in seconds, at least 0.</returns>
    internal double Failed(long start, CallFault fault)
    {
        long now = _time.GetTimestamp();
        lock (_gate)
        {
            Advance(now);
            _used = true;
            ref CallSums sums = ref _sums[_current];
            _ = fault == CallFault.Caller ? sums.Rejected++ : sums.Errors++;
        }

        return Math.Max(0, _time.GetElapsedTime(start, now).TotalSeconds);
    }

    internal CallFigures Read()
    {
        long now = _time.GetTimestamp();
        lock (_gate)
        {
            Advance(now);
            CallSums window = default;
            var routes = new long[_routes[0].Length];
            for (int slot = 0; slot < Slots; slot++)
            {
                window.Add(in _sums[slot]);
                TensorPrimitives.Add(routes, _routes[slot], routes);
            }

            CallSums total = _total;
            total.Add(in window);
            TimeSpan inSlot = _time.GetElapsedTime(_slotStart, now);
            return new CallFigures
            {
                Covered = (_age * _slot) + (inSlot > TimeSpan.Zero ? inSlot : TimeSpan.Zero),
                Window = window,
                Total = total,
                P50 = _latency.Quantile(0.5),
                P95 = _latency.Quantile(0.95),
                P99 = _latency.Quantile(0.99),
                Usage = ExpertUsageStats.From(window.Served, routes),
            };
        }
    }

    private void Advance(long now)
    {
        long passed = (long)(_time.GetElapsedTime(_slotStart, now) / _slot);
        if (passed <= 0)
        {
            return;
        }

        _slotStart += (long)(passed * _slot.TotalSeconds * _time.TimestampFrequency);
        _age = (int)Math.Min(Slots - 1, _age + passed);
        for (long slot = Math.Min(passed, Slots); slot > 0; slot--)
        {
            _latency.Rotate();
            _current = (_current + 1) % Slots;
            _total.Add(in _sums[_current]);
            _sums[_current] = default;
            Array.Clear(_routes[_current]);
        }
    }
}
