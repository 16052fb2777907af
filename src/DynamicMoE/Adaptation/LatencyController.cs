namespace DynamicMoE;

/// <summary>
/// Holds the 95th percentile of one forward call under a target by the latency ceiling of an arbiter. Above the target the ceiling falls, at once
/// and in proportion; below RaiseBelow of it for a whole window it rises by one step; in between it stays. What was measured under another ceiling
/// does not count. A ceiling that was too high is not tried again for ten windows, and twice as long each time it proves too high again.
/// </summary>
/// <remarks>Recording takes a lock for some nanoseconds and allocates nothing; readers of the properties never wait.</remarks>
public sealed class LatencyController : IForwardWatch
{
    private const int Slots = 12;
    private const double Share = 0.95;
    private const int FirstHoldWindows = 10;
    private const int LongestHoldWindows = 640;

    private readonly Lock _gate = new();
    private readonly LatencyControllerOptions _options;
    private readonly BudgetArbiter _arbiter;
    private readonly LatencyHistogram _window = new(Slots);
    private readonly LatencyHistogram _underCeiling = new(Slots);
    private readonly TimeSpan _slot;
    private long _slotStart;
    private int _slotsUnderCeiling;
    private double _ceiling;
    private double _tooHigh = double.PositiveInfinity;
    private long _holdWindows = FirstHoldWindows;
    private long _holdSlots;
    private double _p95;

    /// <summary>Makes a controller.</summary>
    /// <param name="arbiter">Gets the ceiling.</param>
    /// <param name="options">Options; later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public LatencyController(BudgetArbiter arbiter, LatencyControllerOptions options)
    {
        ArgumentNullException.ThrowIfNull(arbiter);
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
        _arbiter = arbiter;
        _slot = _options.Window / Slots;
        _slotStart = _options.TimeProvider.GetTimestamp();
        _ceiling = Math.Min(arbiter.LatencyCeiling ?? arbiter.MaxExperts, arbiter.MaxExperts);
    }

    /// <summary>Target of the 95th percentile.</summary>
    public TimeSpan Target => _options.Target;

    /// <summary>95th percentile over the window, as of its last slot; zero before the first call. Known to 1/16 of its value, rounded up.</summary>
    public TimeSpan P95 => TimeSpan.FromSeconds(Volatile.Read(ref _p95));

    /// <summary>A timestamp to give to <see cref="Stop"/>.</summary>
    /// <returns>The clock's timestamp.</returns>
    public long Start() => _options.TimeProvider.GetTimestamp();

    /// <summary>Records a forward call that ends now.</summary>
    /// <param name="start">What <see cref="Start"/> gave when it began.</param>
    public void Stop(long start)
    {
        long now = _options.TimeProvider.GetTimestamp();
        lock (_gate)
        {
            Advance(now);
            double seconds = _options.TimeProvider.GetElapsedTime(start, now).TotalSeconds;
            _window.Add(seconds);
            _underCeiling.Add(seconds);
            if (_underCeiling.Count == _options.MinCalls)
            {
                // The first moment at which the new ceiling can be judged; too slow is too slow.
                LowerIfSlow();
            }
        }
    }

    ForwardScope IForwardWatch.Begin() => new(Start(), null);

    void IForwardWatch.End(in ForwardScope scope, in RoutingReport report, RoutingBuffers routing) => Stop(scope.Start);

    void IForwardWatch.Fail(in ForwardScope scope, Exception error)
    {
        // A call that failed ended early or late for reasons that a budget does not change.
    }

    private void Advance(long now)
    {
        long slots = (long)(_options.TimeProvider.GetElapsedTime(_slotStart, now) / _slot);
        if (slots <= 0)
        {
            return;
        }

        _slotStart += (long)(slots * _slot.TotalSeconds * _options.TimeProvider.TimestampFrequency);
        Volatile.Write(ref _p95, _window.Quantile(Share));
        Instruments.ForwardP95.Record(_p95, new KeyValuePair<string, object?>(Instruments.BudgetTag, _arbiter.Tag));
        _slotsUnderCeiling = (int)Math.Min(Slots, _slotsUnderCeiling + slots);
        _holdSlots = Math.Max(0, _holdSlots - slots);
        if (slots < Slots)
        {
            Decide();
        }

        for (long slot = Math.Min(slots, Slots); slot > 0; slot--)
        {
            _window.Rotate();
            _underCeiling.Rotate();
        }
    }

    private void Decide()
    {
        if (_underCeiling.Count < _options.MinCalls || LowerIfSlow() || _arbiter.Frozen)
        {
            return;
        }

        double next = Math.Min(_ceiling + _options.Step, _arbiter.MaxExperts);
        bool held = _holdSlots > 0 && next >= _tooHigh;
        if (next > _ceiling && !held && _slotsUnderCeiling == Slots
            && _underCeiling.Quantile(Share) < _options.RaiseBelow * _options.Target.TotalSeconds)
        {
            Move(next);
        }
    }

    private bool LowerIfSlow()
    {
        double ratio = _underCeiling.Quantile(Share) / _options.Target.TotalSeconds;
        if (ratio <= 1 || _arbiter.Frozen || _ceiling <= _arbiter.MinExperts)
        {
            return false;
        }

        // A budget below the ceiling is what was measured: start from it.
        double from = Math.Min(_ceiling, _arbiter.Decision.Effective);
        _holdWindows = from >= _tooHigh ? Math.Min(2 * _holdWindows, LongestHoldWindows) : FirstHoldWindows;
        _holdSlots = _holdWindows * Slots;
        _tooHigh = from;
        Move(Math.Max(_arbiter.MinExperts, Math.Min(from - _options.Step, from / Math.Min(ratio, 2))));
        return true;
    }

    private void Move(double ceiling)
    {
        _ceiling = ceiling;
        _arbiter.LatencyCeiling = ceiling >= _arbiter.MaxExperts ? null : ceiling;
        _underCeiling.Clear();
        _slotsUnderCeiling = 0;
    }
}
