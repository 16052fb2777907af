using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

public sealed class CircuitBreakerTests : IBreakerListener
{
    private static readonly InvalidOperationException Broken = new("broken");
    private readonly ManualClock _clock = new();
    private readonly List<CircuitBreakerState> _moves = [];

    void IBreakerListener.Moved(CircuitBreakerState state, Exception? lastFailure) => _moves.Add(state);

    [Theory]
    [InlineData(9, 0, false)]
    [InlineData(10, 0, true)]
    [InlineData(10, 10, true)]
    [InlineData(10, 11, false)]
    public void Failed_WhenRatioAndNumberAreReached_Opens(int failures, int successes, bool opens)
    {
        CircuitBreaker breaker = Make();
        for (int i = 0; i < successes; i++)
        {
            breaker.Succeeded();
        }

        Fail(breaker, failures);

        Assert.Equal(opens ? CircuitBreakerState.Open : CircuitBreakerState.Closed, breaker.State);
        Assert.Equal(opens ? [CircuitBreakerState.Open] : [], _moves);
    }

    [Fact]
    public void Failed_WhenFailuresAreOlderThanTheWindow_StaysClosed()
    {
        CircuitBreaker breaker = Make();
        Fail(breaker, 9);
        _clock.Advance(TimeSpan.FromSeconds(31));
        Fail(breaker, 9);

        Assert.Equal(CircuitBreakerState.Closed, breaker.State);
    }

    [Theory]
    [InlineData(2, 40, 0.01, 39, false)]
    [InlineData(2, 40, 0.01, 40, true)]
    [InlineData(33, 40, 0.01, 9, false)]
    [InlineData(33, 40, 0.01, 10, true)]
    [InlineData(1, 1000, 0.01, 999, false)]
    [InlineData(1, 1000, 0.01, 1000, true)]
    [InlineData(4, 60, 4, 5, false)]
    [InlineData(4, 60, 4, 6, true)]
    public void Failed_AfterSuccesses_CountsThoseOfTheWindow(double silence, int successes, double between, int failures, bool opens)
    {
        CircuitBreaker breaker = Make();
        for (int i = 0; i < successes; i++)
        {
            breaker.Succeeded();
            _clock.Advance(TimeSpan.FromSeconds(between));
        }

        _clock.Advance(TimeSpan.FromSeconds(silence));
        Fail(breaker, failures);

        Assert.Equal(opens, breaker.State == CircuitBreakerState.Open);
    }

    [Theory]
    [InlineData(true, CircuitBreakerState.Closed)]
    [InlineData(false, CircuitBreakerState.Open)]
    public void TryTrial_WhenTheBreakIsOver_DecidesByItsOutcome(bool succeeds, CircuitBreakerState after)
    {
        CircuitBreaker breaker = Make();
        Fail(breaker, 10);
        Assert.False(breaker.TryTrial(() => throw new InvalidOperationException("not yet")));
        _clock.Advance(TimeSpan.FromSeconds(5));
        CircuitBreakerState within = default;
        bool second = true;

        bool ran = breaker.TryTrial(() =>
        {
            within = breaker.State;
            second = breaker.TryTrial(() => true);
            return succeeds;
        });

        Assert.True(ran);
        Assert.False(second);
        Assert.Equal(CircuitBreakerState.HalfOpen, within);
        Assert.Equal(after, breaker.State);
        Assert.Equal([CircuitBreakerState.Open, CircuitBreakerState.HalfOpen, after], _moves);
        Assert.Equal(succeeds ? 0 : 5, breaker.RetryAfter.TotalSeconds);
    }

    [Fact]
    public void Failed_WhenTheBreakerWasJustClosed_StartsCountingAnew()
    {
        CircuitBreaker breaker = Make();
        Fail(breaker, 10);
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.TryTrial(() => true);
        Fail(breaker, 9);

        Assert.Equal(CircuitBreakerState.Closed, breaker.State);
    }

    [Fact]
    public void Succeeded_WhenTheCallBeganBeforeTheBreakerOpened_ClosesNothing()
    {
        CircuitBreaker breaker = Make();
        Fail(breaker, 10);
        _clock.Advance(TimeSpan.FromSeconds(6));
        breaker.Succeeded();

        Assert.Equal(CircuitBreakerState.Open, breaker.State);
        Assert.True(breaker.MayTry);
    }

    [Fact]
    public void RetryAfter_WhenTheTimeOfDayIsSet_IsNotMoved()
    {
        CircuitBreaker breaker = Make();
        _clock.SetTimeOfDay(_clock.GetUtcNow().AddYears(-10));
        Fail(breaker, 10);
        _clock.SetTimeOfDay(_clock.GetUtcNow().AddYears(20));

        Assert.Equal(TimeSpan.FromSeconds(5), breaker.RetryAfter);
        Assert.False(breaker.MayTry);
        _clock.SetTimeOfDay(_clock.GetUtcNow().AddYears(-20));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(breaker.TryTrial(() => true));
        Assert.Equal(CircuitBreakerState.Closed, breaker.State);
    }

    [Fact]
    public void RetryAfter_WhenTimestampsGoBack_IsNotLengthened()
    {
        CircuitBreaker breaker = Make();
        Fail(breaker, 10);
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(2), breaker.RetryAfter);
        _clock.Advance(TimeSpan.FromHours(-1));

        Assert.Equal(TimeSpan.FromSeconds(2), breaker.RetryAfter);
        _clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(2));
        Assert.True(breaker.MayTry);
    }

    [Fact]
    public async Task Failed_WhenManyThreadsReport_MovesOnce()
    {
        CircuitBreaker breaker = Make();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Fail(breaker, 50))));

        Assert.Equal([CircuitBreakerState.Open], _moves);
        Assert.Same(Broken, breaker.LastFailure);
    }

    [Fact]
    public async Task TryTrial_WhenManyThreadsTry_RunsOne()
    {
        CircuitBreaker breaker = Make();
        Fail(breaker, 10);
        _clock.Advance(TimeSpan.FromSeconds(5));
        int runs = 0;
        using var start = new Barrier(4);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                breaker.TryTrial(() => Interlocked.Increment(ref runs) > 0);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        Assert.Equal(1, runs);
        Assert.Equal(CircuitBreakerState.Closed, breaker.State);
    }

    private CircuitBreaker Make() => new(new CircuitBreakerOptions(), _clock, this);

    private static void Fail(CircuitBreaker breaker, int times)
    {
        for (int i = 0; i < times; i++)
        {
            breaker.Failed(Broken);
        }
    }
}
