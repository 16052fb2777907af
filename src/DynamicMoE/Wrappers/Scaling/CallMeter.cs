namespace DynamicMoE;

/// <summary>
/// Measures calls and lets the autoscaler decide at the end of each interval. Recording takes a lock for some nanoseconds and allocates nothing. A
/// clock that jumps by more than a window, or back, costs what was measured, never a decision: nothing is decided before there is a new interval's
/// load. A call whose length is below zero or above a window is counted and not measured.
/// </summary>
internal sealed class CallMeter
{
    private const double Share = 0.95;

    private readonly Lock _gate = new();
    private readonly ScalingOptions _options;
    private readonly TimeProvider _clock;
    private readonly Autoscaler _autoscaler;
    private readonly int _maxWorkers;
    private readonly LoadWindow _window;
    private readonly LoadWindow _sinceChange;
    private long _intervalStart;
    private int _intervals;
    private bool _windowEnded;
    private int _poolThreads;
    private ScalingLoad _load;
    private long _calls;
    private long _failed;
    private long _tokens;
    private volatile bool _ofLayers;

    /// <param name="options">Checked.</param>
    /// <param name="autoscaler">Decides.</param>
    /// <param name="maxWorkers">Most threads of a call.</param>
    /// <param name="poolThreads">Threads of the native pool.</param>
    internal CallMeter(ScalingOptions options, Autoscaler autoscaler, int maxWorkers, int poolThreads)
    {
        _options = options;
        _clock = options.TimeProvider;
        _autoscaler = autoscaler;
        _maxWorkers = maxWorkers;
        _poolThreads = poolThreads;
        _window = new LoadWindow(options.Slots + 1);
        _sinceChange = new LoadWindow(options.Slots + 1);
        _intervalStart = _clock.GetTimestamp();
    }

    /// <summary>Whether a call is a batch of a layer; else it is one of the router.</summary>
    internal bool OfLayers => _ofLayers;

    /// <summary>From now on a call is a batch of a layer. What was measured of another kind is forgotten.</summary>
    internal void MeasureLayers()
    {
        if (_ofLayers)
        {
            return;
        }

        lock (_gate)
        {
            if (!_ofLayers)
            {
                (_calls, _failed, _tokens) = (0, 0, 0);
                Restart(_clock.GetTimestamp());
                _ofLayers = true;
            }
        }
    }

    /// <summary>A timestamp to give to <see cref="Record"/>.</summary>
    internal long Start() => _clock.GetTimestamp();

    /// <summary>Records how many calls wait for a core.</summary>
    /// <param name="poolThreads">Threads of the native pool now.</param>
    /// <param name="depth">Calls.</param>
    internal void RecordQueue(int poolThreads, double depth)
    {
        lock (_gate)
        {
            _poolThreads = poolThreads;
            _window.AddQueue(depth);
            _sinceChange.AddQueue(depth);
        }
    }

    /// <summary>Records a call that ends now, unless it is of the kind that does not count.</summary>
    /// <returns>Whether a window has ended since the last call.</returns>
    internal bool Record(long start, int tokens, bool failed, bool ofLayer = false)
    {
        lock (_gate)
        {
            if (ofLayer != _ofLayers)
            {
                return false;
            }

            // Read with the lock held: threads that took turns in another order than their times would look like a clock that goes back.
            long now = _clock.GetTimestamp();
            Advance(now);
            TimeSpan duration = _clock.GetElapsedTime(start, now);
            int done = failed ? 0 : tokens;
            if (duration >= TimeSpan.Zero && duration <= _options.Stabilization)
            {
                _window.Add(duration.TotalSeconds, done);
                _sinceChange.Add(duration.TotalSeconds, done);
            }

            _calls++;
            _failed += failed ? 1 : 0;
            _tokens += done;
            bool ended = _windowEnded;
            _windowEnded = false;
            return ended;
        }
    }

    /// <summary>Tells what was measured and decided, as of now.</summary>
    /// <param name="running">Calls that run.</param>
    internal (OptimizationPerformance Performance, AutoscalerStatus Status) Snapshot(int running)
    {
        lock (_gate)
        {
            long now = _clock.GetTimestamp();
            Advance(now);
            return (Performance(running, now), Status());
        }
    }

    private void Advance(long now)
    {
        double elapsed = _clock.GetElapsedTime(_intervalStart, now) / _options.Interval;
        if (elapsed < 0 || elapsed > _options.Slots)
        {
            // The clock went back, or nothing ended for a whole window: what was measured says nothing about now.
            Restart(now);
            return;
        }

        int intervals = (int)elapsed;
        if (intervals == 0)
        {
            return;
        }

        _intervalStart += (long)(intervals * _options.Interval.TotalSeconds * _clock.TimestampFrequency);
        for (int i = 0; i < intervals; i++)
        {
            _window.Rotate();
            _sinceChange.Rotate();
        }

        _load = LoadOf(_window);
        if (_sinceChange.Count >= _options.MinCalls && _autoscaler.Step(LoadOf(_sinceChange), Most()) != ScalingAction.None)
        {
            _sinceChange.Clear();
        }

        _intervals += intervals;
        if (_intervals >= _options.Slots)
        {
            _intervals = 0;
            _windowEnded = true;
        }
    }

    private void Restart(long now)
    {
        _intervalStart = now;
        _window.Clear();
        _sinceChange.Clear();
        _load = default;
        _intervals = 0;
        _windowEnded = true;
    }

    private int Most() => Math.Max(_options.MinWorkers, Math.Min(_maxWorkers, _poolThreads));

    private ScalingLoad LoadOf(LoadWindow window)
    {
        double seconds = window.Filled * _options.Interval.TotalSeconds;
        double held = seconds > 0 ? window.Busy / (seconds * _poolThreads) : 0;
        return new ScalingLoad(window.Quantile(Share), window.Queue, Math.Min(1, held));
    }

    private OptimizationPerformance Performance(int running, long now)
    {
        double seconds = (_window.Filled * _options.Interval.TotalSeconds) + _clock.GetElapsedTime(_intervalStart, now).TotalSeconds;
        return new OptimizationPerformance
        {
            CallsAre = _ofLayers ? MonitoredCalls.Forward : MonitoredCalls.Route,
            TotalCalls = _calls,
            FailedCalls = _failed,
            TotalTokens = _tokens,
            RunningCalls = running,
            CallsPerSecond = seconds > 0 ? _window.Count / seconds : 0,
            TokensPerSecond = seconds > 0 ? _window.Tokens / seconds : 0,
            P50 = TimeSpan.FromSeconds(_window.Quantile(0.5)),
            P95 = TimeSpan.FromSeconds(_window.Quantile(Share)),
            P99 = TimeSpan.FromSeconds(_window.Quantile(0.99)),
        };
    }

    private AutoscalerStatus Status() => new()
    {
        Enabled = _autoscaler.Enabled,
        Workers = _autoscaler.Workers,
        MinWorkers = _options.MinWorkers,
        MaxWorkers = Most(),
        P95 = TimeSpan.FromSeconds(_load.P95),
        QueueDepth = _load.Queue,
        Utilization = _load.Utilization,
        BudgetOffset = _autoscaler.Offset,
        ProposesBudget = _autoscaler.Proposes,
        ScaleUps = _autoscaler.ScaleUps,
        ScaleDowns = _autoscaler.ScaleDowns,
        BudgetChanges = _autoscaler.BudgetChanges,
        LastAction = _autoscaler.LastAction,
    };
}
