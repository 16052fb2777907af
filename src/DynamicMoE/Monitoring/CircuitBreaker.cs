using Polly;
using Polly.CircuitBreaker;

namespace DynamicMoE;

/// <summary>
/// Polly's circuit breaker, fed with outcomes. While it is closed calls run outside it, since spans cannot go into its callbacks, and their outcome is
/// handed in afterwards as a result, not as an exception; successes gather until they are many, old, or followed by a failure, since its code is cold after
/// a call that read megabytes of weights. A trial runs inside it. While it is open nobody asks it before the break is over.
/// </summary>
internal sealed class CircuitBreaker
{
    private const int MostPending = 64;

    private readonly Lock _transitions = new();
    private readonly CircuitBreakerStateProvider _polly = new();
    private readonly ResiliencePipeline<bool> _pipeline;
    private readonly MonotonicTime _time;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _break;
    private readonly long _oldest;
    private readonly IBreakerListener _listener;
    private volatile CircuitBreakerState _state = CircuitBreakerState.Closed;
    private Exception? _lastFailure;
    private long _retryAt;
    private long _reportedAt;
    private int _pending;
    private int _trying;

    internal CircuitBreaker(CircuitBreakerOptions options, TimeProvider clock, IBreakerListener listener)
    {
        _clock = clock;
        _time = new MonotonicTime(clock);
        _break = options.BreakDuration;

        // Polly's own counts are no finer.
        _oldest = (long)(options.SamplingDuration.TotalSeconds / 10 * clock.TimestampFrequency);
        _reportedAt = clock.GetTimestamp();
        _listener = listener;
        _pipeline = new ResiliencePipelineBuilder<bool> { TimeProvider = _time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<bool>
            {
                FailureRatio = options.FailureRatio,
                MinimumThroughput = options.MinimumCalls,
                SamplingDuration = options.SamplingDuration,
                BreakDuration = options.BreakDuration,
                StateProvider = _polly,
                ShouldHandle = static outcome => new ValueTask<bool>(!outcome.Outcome.Result),
            })
            .Build();
    }

    internal CircuitBreakerState State => _state;

    internal Exception? LastFailure => Volatile.Read(ref _lastFailure);

    /// <summary>Time until a trial; zero once one may run.</summary>
    internal TimeSpan RetryAfter => TimeSpan.FromTicks(Math.Max(0, Volatile.Read(ref _retryAt) - _time.GetUtcNow().Ticks));

    /// <summary>Whether the break is over and no trial runs.</summary>
    internal bool MayTry => _state != CircuitBreakerState.Closed && Volatile.Read(ref _trying) == 0 && RetryAfter == TimeSpan.Zero;

    /// <summary>A call that began while the breaker was closed went well. Allocates nothing.</summary>
    internal void Succeeded()
    {
        if (Interlocked.Increment(ref _pending) >= MostPending || _clock.GetTimestamp() - Volatile.Read(ref _reportedAt) >= _oldest)
        {
            ReportPending(fresh: 1);
        }
    }

    /// <summary>A call that began while the breaker was closed failed by the router's fault.</summary>
    internal void Failed(Exception error)
    {
        Volatile.Write(ref _lastFailure, error);
        ReportPending(fresh: 0);
        Report(succeeded: false);
        Follow();
    }

    /// <summary>Runs a trial when the break is over and no other one runs.</summary>
    /// <param name="trial">Returns whether the router can be used again. Must not throw.</param>
    /// <returns>Whether it ran.</returns>
    internal bool TryTrial(Func<bool> trial)
    {
        if (!MayTry || Interlocked.Exchange(ref _trying, 1) != 0)
        {
            return false;
        }

        try
        {
            _pipeline.Execute(
                static run =>
                {
                    run.Breaker.Follow();
                    return run.Trial();
                },
                (Breaker: this, Trial: trial));
            return true;
        }
        catch (BrokenCircuitException)
        {
            return false;
        }
        finally
        {
            Follow();
            Volatile.Write(ref _trying, 0);
        }
    }

    /// <summary>Remembers why a trial failed.</summary>
    internal void Note(Exception error) => Volatile.Write(ref _lastFailure, error);

    // fresh: how many of those that wait ended just now.
    private void ReportPending(int fresh)
    {
        long now = _clock.GetTimestamp();
        long since = Interlocked.Exchange(ref _reportedAt, now);
        int pending = Interlocked.Exchange(ref _pending, 0);

        // Successes gather for a tenth of the window at most: with a whole one more behind them they are out of it.
        for (pending = now - since < 11 * _oldest ? pending : fresh; pending > 0; pending--)
        {
            Report(succeeded: true);
        }
    }

    private void Report(bool succeeded)
    {
        // Outcomes of calls that began before the breaker opened are no evidence for its next state.
        if (_state != CircuitBreakerState.Closed)
        {
            return;
        }

        try
        {
            _pipeline.Execute(static outcome => outcome, succeeded);
        }
        catch (BrokenCircuitException)
        {
            // Another call opened it in between.
        }
    }

    // Polly's own notifications come from the thread pool, and the call that caused them would wait for one of its threads.
    private void Follow()
    {
        lock (_transitions)
        {
            CircuitBreakerState state = _polly.CircuitState switch
            {
                CircuitState.Closed => CircuitBreakerState.Closed,
                CircuitState.HalfOpen => CircuitBreakerState.HalfOpen,
                _ => CircuitBreakerState.Open,
            };
            if (state == _state)
            {
                return;
            }

            if (state == CircuitBreakerState.Open)
            {
                Volatile.Write(ref _retryAt, (_time.GetUtcNow() + _break).Ticks);
            }

            // What ended before the move is no evidence for the time after it.
            Interlocked.Exchange(ref _pending, 0);
            _state = state;
            _listener.Moved(state, LastFailure);
        }
    }
}

/// <summary>Hears of a breaker's moves, in their order.</summary>
internal interface IBreakerListener
{
    void Moved(CircuitBreakerState state, Exception? lastFailure);
}
