using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

public sealed class BreakerFallbackTests : IDisposable
{
    private const int Experts = 4;
    private const int Tokens = 3;
    private static readonly float[] Hidden = [5, 1, 3, 0, 0, 2, 1, 7, -3, -1, -2, -4];
    private readonly ManualClock _clock = new();
    private readonly LogCollector _log = new();
    private readonly SwitchEstimator _estimator = new();
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
    private readonly DynamicRouter _router;
    private readonly RoutingBuffers _buffers = new(Tokens, 3, Experts, true);

    public BreakerFallbackTests() => _router = new DynamicRouter(
        _gate, new DynamicRouterOptions { MinExperts = 1, MaxExperts = 3, ComplexityEstimator = _estimator, LoadBalancing = false });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Route_WhenTheEstimatorKeepsFailing_GivesTheStaticChoiceWithoutAskingIt()
    {
        using MonitoredRouter monitored = Monitor(_router, null);
        Open(monitored);
        int asked = _estimator.Calls;

        RoutingReport report = monitored.Route(Hidden, Tokens, _buffers);

        Assert.Equal(asked, _estimator.Calls);
        Assert.Equal([0, 2, -1, 3, 1, -1, 1, 2, -1], _buffers.ExpertIndices);
        Assert.Equal(6, report.Routes);
        for (int token = 0; token < Tokens; token++)
        {
            Assert.Equal(1, _buffers.WeightsOf(token).ToArray().Sum(), 6);
        }

        MonitoringSummary summary = monitored.GetMonitoringSummary();
        Assert.Equal(CircuitBreakerState.Open, summary.CircuitBreakerState);
        Assert.Equal(MonitoringStatus.Degraded, summary.Health.Status);
        Assert.Equal((11L, 10L, 1L), (summary.Performance.TotalCalls, summary.Performance.TotalErrors, summary.Performance.TotalFallbacks));
        Assert.Contains("'switch'", summary.Health.LastError, StringComparison.Ordinal);
        Assert.Contains("circuit breaker is open; batches get StaticTopK", Assert.Single(_log.Warnings), StringComparison.Ordinal);
        Assert.Equal(1, _router.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Route_WhenOpenAndTheCallHasRules_KeepsThem()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.StaticTopK);
        Open(monitored);
        _router.DisableExpert(3);

        monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ExpertMask = new byte[] { 0, 1, 1, 1 } });
        Assert.Equal([2, 1, -1, 1, 2, -1, 1, 2, -1], _buffers.ExpertIndices);

        monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { MaxDistinctExperts = 1 });
        Assert.Equal(1, _buffers.ExpertRoutes.Count(routes => routes > 0));

        RoutingReport limited = monitored.RouteWithin(new CapacityLimit(0.1f, OverflowPolicy.Drop), Hidden, Tokens, _buffers);
        Assert.True(limited.DroppedRoutes > 0);
        Assert.InRange(_buffers.ExpertRoutes.Max(), 0, 1);

        Assert.Throws<LoadBalancingException>(
            () => monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ExpertMask = new byte[] { 0, 0, 0, 1 } }));
        Assert.Throws<RoutingValidationException>(
            () => monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ComplexityScores = new float[] { 2, 2, 2 } }));
        Assert.Throws<RoutingValidationException>(() => monitored.Route(Hidden.AsSpan(1), Tokens, _buffers));
        Assert.Throws<RouterConfigurationException>(() => monitored.RouteWithin(default, Hidden, Tokens, _buffers));
    }

    [Fact]
    public void Route_WhenOpenWithLastGood_RepeatsTheLastToken()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.LastGood);
        monitored.Route(Hidden, Tokens, _buffers);
        int[] ids = _buffers.IndicesOf(2).ToArray();
        float[] weights = _buffers.WeightsOf(2).ToArray();
        Open(monitored);

        RoutingReport report = monitored.Route(Hidden, Tokens, _buffers);

        for (int token = 0; token < Tokens; token++)
        {
            Assert.Equal(ids, _buffers.IndicesOf(token).ToArray());
            Assert.Equal(weights, _buffers.WeightsOf(token).ToArray());
            Assert.Equal(0.5f, _buffers.ComplexityScores[token]);
        }

        Assert.Equal(new RoutingReport(Tokens, Tokens * ids.Length, ids.Length, Tokens, 0, 0), report);
        Assert.Equal(Enumerable.Range(0, Experts).Select(e => ids.Contains(e) ? (long)Tokens : 0), _buffers.ExpertRoutes);
        Assert.All(_buffers.RouterLogits, logit => Assert.Equal(0, logit));
    }

    [Fact]
    public void Route_WhenLastGoodHasAnExpertOutOfService_GivesItsWeightToTheOthers()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.LastGood);
        monitored.Route(Hidden, Tokens, _buffers);
        int[] ids = _buffers.IndicesOf(2).ToArray();
        Open(monitored);
        _router.DisableExpert(ids[0]);

        monitored.Route(Hidden, Tokens, _buffers);
        Assert.Equal(ids[1..], _buffers.IndicesOf(0).ToArray());
        Assert.Equal(1, _buffers.WeightsOf(0).ToArray().Sum(), 6);

        var onlyOthers = new byte[Experts];
        Array.Fill(onlyOthers, (byte)1);
        ids.ToList().ForEach(id => onlyOthers[id] = 0);
        int[] before = [.. _buffers.ExpertIndices];
        Assert.Throws<CircuitOpenException>(() => monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ExpertMask = onlyOthers }));
        Assert.Throws<CircuitOpenException>(() => monitored.RouteWithin(new CapacityLimit(1, OverflowPolicy.Drop), Hidden, Tokens, _buffers));
        Assert.Throws<RoutingValidationException>(() => monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ExpertMask = new byte[3] }));
        Assert.Equal(before, _buffers.ExpertIndices);
    }

    [Fact]
    public void Route_WhenLastGoodHasNothing_FailsWithTheCause()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.LastGood);
        Open(monitored);

        var error = Assert.Throws<CircuitOpenException>(() => monitored.Route(Hidden, Tokens, _buffers));

        Assert.IsType<ComplexityEstimationException>(error.InnerException);
    }

    [Fact]
    public void Route_WhenOpenWithFailFast_ThrowsAndWritesNothing()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.FailFast);
        Open(monitored);
        _clock.Advance(TimeSpan.FromSeconds(2));
        int asked = _estimator.Calls;
        int[] before = [.. _buffers.ExpertIndices];

        var error = Assert.Throws<CircuitOpenException>(() => monitored.Route(Hidden, Tokens, _buffers));

        Assert.Equal(TimeSpan.FromSeconds(3), error.RetryAfter);
        Assert.IsType<ComplexityEstimationException>(error.InnerException);
        Assert.Equal(asked, _estimator.Calls);
        Assert.Equal(before, _buffers.ExpertIndices);
        MonitoringSummary summary = monitored.GetMonitoringSummary();
        Assert.Equal(MonitoringStatus.Unhealthy, summary.Health.Status);
        Assert.Equal(11, summary.Performance.TotalErrors);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Route_WhenTheBreakIsOver_TriesTheRouterOnce(bool recovered)
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.StaticTopK);
        Open(monitored);
        _estimator.Failure = recovered ? null : _estimator.Failure;
        int asked = _estimator.Calls;
        _clock.Advance(TimeSpan.FromSeconds(5));

        monitored.Route(Hidden, Tokens, _buffers);
        monitored.Route(Hidden, Tokens, _buffers);

        // A trial that fails still gets routes: those of the fallback.
        Assert.Equal(recovered ? asked + 2 : asked + 1, _estimator.Calls);
        Assert.Equal(recovered ? CircuitBreakerState.Closed : CircuitBreakerState.Open, monitored.CircuitBreakerState);
        Assert.Equal(recovered ? 0 : 2, monitored.GetMonitoringSummary().Performance.TotalFallbacks);
        Assert.Contains(_log.Informations, text => text.Contains("half-open", StringComparison.Ordinal));
        Assert.Equal(recovered, _log.Informations.Any(text => text.Contains("is closed", StringComparison.Ordinal)));
    }

    [Fact]
    public void Route_WhenCallersMakeMistakes_NeverOpens()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.FailFast);
        float[] broken = [.. Hidden];
        broken[5] = float.NaN;
        for (int call = 0; call < 50; call++)
        {
            Assert.Throws<RoutingValidationException>(() => monitored.Route(broken, Tokens, _buffers));
            Assert.Throws<RoutingValidationException>(() => monitored.Route(Hidden, 7, _buffers));
            Assert.Throws<ArgumentNullException>(() => monitored.Route(Hidden, Tokens, null!));
            Assert.Throws<LoadBalancingException>(() => monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ExpertMask = new byte[Experts] }));
            Assert.Throws<RouterConfigurationException>(() => monitored.RouteWithin(default, Hidden, Tokens, _buffers));
        }

        MonitoringPerformance performance = monitored.GetMonitoringSummary().Performance;
        Assert.Equal(CircuitBreakerState.Closed, monitored.CircuitBreakerState);
        Assert.Equal((250L, 200L, 50L), (performance.TotalCalls, performance.TotalRejected, performance.TotalErrors));
    }

    [Fact]
    public void Route_WhenATrialIsTheCallersMistake_SaysSoAndStaysOpen()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.StaticTopK);
        Open(monitored);
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Throws<RoutingValidationException>(() => monitored.Route(new float[1], Tokens, _buffers));
        Assert.Equal(CircuitBreakerState.Open, monitored.CircuitBreakerState);
        _estimator.Failure = null;
        monitored.Route(Hidden, Tokens, _buffers);

        Assert.Equal(CircuitBreakerState.Closed, monitored.CircuitBreakerState);
    }

    [Fact]
    public void CountsAsFailure_WhenGiven_DecidesAlone()
    {
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.FailFast, error => error is LoadBalancingException);
        _estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; call < 20; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => monitored.Route(Hidden, Tokens, _buffers));
        }

        Assert.Equal(CircuitBreakerState.Closed, monitored.CircuitBreakerState);
        _estimator.Failure = null;
        for (int call = 0; call < 10; call++)
        {
            Assert.Throws<LoadBalancingException>(() => monitored.Route(Hidden, Tokens, _buffers, new RoutingContext { ExpertMask = new byte[Experts] }));
        }

        Assert.Equal(CircuitBreakerState.Open, monitored.CircuitBreakerState);
    }

    [Fact]
    public void Route_WhenTheRouterIsNotOurs_FailsFastByDefault()
    {
        var foreign = new SlowRouter(_router, _clock, TimeSpan.Zero) { Failure = new TimeoutException("no answer") };
        using MonitoredRouter monitored = Monitor(foreign, null);
        for (int call = 0; call < 10; call++)
        {
            Assert.Throws<TimeoutException>(() => monitored.Route(Hidden, Tokens, _buffers));
        }

        Assert.IsType<TimeoutException>(Assert.Throws<CircuitOpenException>(() => monitored.Route(Hidden, Tokens, _buffers)).InnerException);
        Assert.Equal(10, foreign.Calls);
    }

    [Fact]
    public async Task Route_WhenManyThreadsMeetAFailure_KeepsEveryCountAndRecovers()
    {
        const int Threads = 8, Calls = 200;
        using MonitoredRouter monitored = Monitor(_router, BreakerFallback.StaticTopK);
        _estimator.Failure = new InvalidOperationException("broken");
        int failed = 0;

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() =>
        {
            var buffers = new RoutingBuffers(Tokens, 3, Experts, false);
            for (int call = 0; call < Calls; call++)
            {
                try
                {
                    monitored.Route(Hidden, Tokens, buffers);
                }
                catch (ComplexityEstimationException)
                {
                    Interlocked.Increment(ref failed);
                }
            }
        })));

        MonitoringPerformance performance = monitored.GetMonitoringSummary().Performance;
        Assert.Equal(CircuitBreakerState.Open, monitored.CircuitBreakerState);
        Assert.Equal(Threads * Calls, performance.TotalCalls);
        Assert.Equal(failed, performance.TotalErrors);
        Assert.InRange(failed, 10, 10 + Threads);
        Assert.Equal((Threads * Calls) - failed, performance.TotalFallbacks);
        _estimator.Failure = null;
        _clock.Advance(TimeSpan.FromSeconds(5));
        monitored.Route(Hidden, Tokens, _buffers);
        Assert.Equal(CircuitBreakerState.Closed, monitored.CircuitBreakerState);
    }

    private MonitoredRouter Monitor(IRouter router, BreakerFallback? fallback, Func<Exception, bool>? counts = null) => router.WithMonitoring(true, new MonitoringOptions
    {
        TimeProvider = _clock, Logger = _log, CircuitBreaker = new CircuitBreakerOptions { Fallback = fallback, CountsAsFailure = counts },
    });

    private void Open(MonitoredRouter monitored)
    {
        _estimator.Failure = new InvalidOperationException("broken");
        for (int call = 0; monitored.CircuitBreakerState == CircuitBreakerState.Closed && call < 50; call++)
        {
            Assert.Throws<ComplexityEstimationException>(() => monitored.Route(Hidden, Tokens, _buffers));
        }

        Assert.Equal(CircuitBreakerState.Open, monitored.CircuitBreakerState);
    }
}
