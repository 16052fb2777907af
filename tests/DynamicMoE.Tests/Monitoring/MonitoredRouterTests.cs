using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

public sealed class MonitoredRouterTests : IDisposable
{
    private const int Experts = 8;
    private const int Tokens = 4;
    private const long Mib = 1 << 20;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Tokens * Experts);
    private readonly ManualClock _clock = new();
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);

    public void Dispose() => _gate.Dispose();

    [Fact]
    public void Route_WhenMonitored_GivesWhatTheRouterGives()
    {
        using DynamicRouter plain = Router();
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring();
        var expected = new RoutingBuffers(Tokens, 2, Experts, true);
        var actual = new RoutingBuffers(Tokens, 2, Experts, true);
        var capacity = new CapacityLimit(1, OverflowPolicy.Drop);

        for (int batch = 0; batch < 3; batch++)
        {
            Assert.Equal(plain.Route(Hidden, Tokens, expected), monitored.Route(Hidden, Tokens, actual));
            AssertEqual(expected, actual);
            Assert.Equal(plain.RouteWithin(capacity, Hidden, Tokens, expected), monitored.RouteWithin(capacity, Hidden, Tokens, actual));
            AssertEqual(expected, actual);
        }

        RoutingResult result = monitored.Route(new ReadOnlyTensorSpan<float>(Hidden, [1, Tokens, Experts]), returnRouterLogits: true);
        Assert.Equal(Hidden, result.RouterLogits!.ToArray());
        Assert.Same(inner, monitored.Inner);
        Assert.Equal(7, monitored.GetExpertUsageStats().TotalBatches);
        Assert.Equal(7, monitored.GetMonitoringSummary().Performance.TotalCalls);
    }

    [Fact]
    public void GetMonitoringSummary_WhenCallsWereRouted_HasTheirFigures()
    {
        using DynamicRouter inner = Router();
        var slow = new SlowRouter(inner, _clock, TimeSpan.FromMilliseconds(4));
        using MonitoredRouter monitored = Monitor(slow, () => new MemoryReading(300 * Mib, 40 * Mib, 2 * Mib));
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        for (int call = 0; call < 9; call++)
        {
            monitored.Route(Hidden, Tokens, buffers);
        }

        Assert.Throws<RoutingValidationException>(() => monitored.Route(Hidden, Tokens + 1, buffers));
        slow.Failure = new InvalidOperationException("down");
        Assert.Throws<InvalidOperationException>(() => monitored.Route(Hidden, Tokens, buffers));
        _clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMilliseconds(40));

        MonitoringSummary summary = monitored.GetMonitoringSummary();

        MonitoringPerformance performance = summary.Performance;
        Assert.Equal(MonitoredCalls.Route, performance.CallsAre);
        Assert.Equal((11L, 1L, 1L, 0L), (performance.TotalCalls, performance.TotalErrors, performance.TotalRejected, performance.TotalFallbacks));
        Assert.Equal(TimeSpan.FromSeconds(10), performance.Window);
        Assert.Equal(10, performance.Calls);
        Assert.Equal(1, performance.CallsPerSecond, 9);
        Assert.Equal(3.6, performance.TokensPerSecond, 9);
        Assert.Equal(0.1, performance.ErrorRate, 9);
        Assert.Equal(4, performance.AvgLatencyMs, 9);
        Assert.InRange(performance.P50LatencyMs, 4, 4.26);
        Assert.InRange(performance.P95LatencyMs, 4, 4.26);
        Assert.InRange(performance.P99LatencyMs, 4, 4.26);
        Assert.Equal(2, performance.MeanExpertsPerToken, 9);
        ExpertUsageStats usage = inner.GetExpertUsageStats();
        Assert.Equal(usage.UsageVariance, performance.LoadBalanceVariance, 9);
        Assert.Equal(usage.LoadBalanceScore, performance.LoadBalanceScore, 9);
        Assert.Equal((300.0, 40.0, 2.0), (performance.MemoryUsageMb, performance.ManagedMemoryMb, performance.NativeMemoryMb));
        Assert.Equal(CircuitBreakerState.Closed, summary.CircuitBreakerState);
        Assert.Equal(MonitoringStatus.Healthy, summary.Health.Status);
        Assert.Equal("InvalidOperationException: down", summary.Health.LastError);
    }

    [Fact]
    public void Route_WhenATensorHasAnotherShape_CountsAsRejectedInEveryMonitoredRouter()
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter deep = inner.WithMonitoring();
        using MonitoredRouter monitored = deep.WithCache().WithMonitoring();

        Assert.Throws<RoutingValidationException>(() => monitored.Route(new ReadOnlyTensorSpan<float>(Hidden, [1, 2 * Tokens, Experts / 2])));

        foreach (MonitoringPerformance performance in new[] { monitored, deep }.Select(router => router.GetMonitoringSummary().Performance))
        {
            Assert.Equal((1L, 1L, 0L), (performance.TotalCalls, performance.TotalRejected, performance.TotalErrors));
        }
    }

    [Fact]
    public void GetMonitoringSummary_WhenNothingWasRouted_IsZeroAndHealthy()
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter monitored = inner.WithMonitoring(enableCircuitBreaker: false, new MonitoringOptions { TimeProvider = _clock });

        MonitoringSummary summary = monitored.GetMonitoringSummary();

        Assert.Equal(CircuitBreakerState.Disabled, summary.CircuitBreakerState);
        Assert.Equal(0, summary.Performance.TotalCalls);
        Assert.Equal(0, summary.Performance.CallsPerSecond);
        Assert.Equal(0, summary.Performance.ErrorRate);
        Assert.True(summary.Performance.MemoryUsageMb > 1);
        Assert.True(summary.Performance.NativeMemoryMb > 0);
        Assert.Null(summary.Health.LastError);
        Assert.Null(summary.Health.Checks[^1].Limit);
    }

    [Fact]
    public void CheckInterval_WhenItPasses_RaisesAlertsAndHealthFollows()
    {
        var alerts = new List<MonitoringAlert>();
        using var called = new SemaphoreSlim(0);
        using DynamicRouter inner = Router();
        var slow = new SlowRouter(inner, _clock, TimeSpan.FromMilliseconds(60));
        using MonitoredRouter monitored = Monitor(slow, () => default, o => o.OnAlert = alert =>
        {
            alerts.Add(alert);
            called.Release();
            throw new InvalidOperationException("a handler that fails");
        });
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        for (int call = 0; call < 20; call++)
        {
            monitored.Route(Hidden, Tokens, buffers);
        }

        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Empty(alerts);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(called.Wait(TimeSpan.FromMinutes(1)));
        MonitoringHealth slowHealth = monitored.GetMonitoringSummary().Health;
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.True(called.Wait(TimeSpan.FromMinutes(1)));

        Assert.Equal([(AlertKind.AvgLatencyMs, AlertState.Raised), (AlertKind.AvgLatencyMs, AlertState.Resolved)], alerts.Select(a => (a.Alert, a.State)));
        Assert.Equal(60, alerts[0].Value, 6);
        Assert.Equal(MonitoringStatus.Degraded, slowHealth.Status);
        Assert.Equal(AlertKind.AvgLatencyMs, Assert.Single(slowHealth.Checks, check => !check.Passed).Alert);
        Assert.Equal(1, slowHealth.AlertsRaised);
        Assert.Equal(MonitoringStatus.Healthy, monitored.GetMonitoringSummary().Health.Status);
    }

    [Fact]
    public void Health_WhenCallsFail_IsUnhealthy()
    {
        using DynamicRouter inner = Router();
        var flaky = new SlowRouter(inner, _clock, TimeSpan.Zero);
        using MonitoredRouter monitored = Monitor(flaky, () => default, breaker: false);
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        for (int call = 0; call < 20; call++)
        {
            flaky.Failure = call % 10 == 0 ? new InvalidOperationException("down") : null;
            _ = Record.Exception(() => monitored.Route(Hidden, Tokens, buffers));
        }

        Assert.Equal(0.1, monitored.GetMonitoringSummary().Performance.ErrorRate, 9);
        Assert.Equal(MonitoringStatus.Unhealthy, monitored.GetMonitoringSummary().Health.Status);
    }

    [Fact]
    public void Check_WhenTheLoggerThrows_GoesOnAndTheNextCheckRuns()
    {
        using DynamicRouter inner = Router();
        var slow = new SlowRouter(inner, _clock, TimeSpan.FromMilliseconds(60));
        int readings = 0;
        using MonitoredRouter monitored = Monitor(
            slow,
            () =>
            {
                readings++;
                return default;
            },
            o => o.Logger = new ThrowingLogger());
        var buffers = new RoutingBuffers(Tokens, 2, Experts, false);
        for (int call = 0; call < 20; call++)
        {
            monitored.Route(Hidden, Tokens, buffers);
        }

        _clock.Advance(TimeSpan.FromSeconds(5));
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(2, readings);
        Assert.Equal(1, monitored.GetMonitoringSummary().Health.AlertsRaised);
    }

    [Fact]
    public void Dispose_WhenCalledTwice_StopsChecksButNotRouting()
    {
        using DynamicRouter inner = Router();
        int readings = 0;
        MonitoredRouter monitored = Monitor(inner, () =>
        {
            readings++;
            return default;
        });
        monitored.Dispose();
        monitored.Dispose();
        _clock.Advance(TimeSpan.FromMinutes(1));
        monitored.Route(Hidden, Tokens, new RoutingBuffers(Tokens, 2, Experts, false));

        Assert.Equal(0, readings);
        Assert.Equal(1, monitored.GetMonitoringSummary().Performance.TotalCalls);
    }

    [Fact]
    public void WithMonitoring_WhenNobodyHoldsOrDisposesIt_GoesAway()
    {
        using DynamicRouter inner = Router();
        using var receiver = StubReceiver.Of(200);
        WeakReference router = Forgotten(inner, receiver);
        for (int round = 0; round < 10 && router.IsAlive; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(router.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Forgotten(DynamicRouter inner, StubReceiver receiver)
        {
            MonitoredRouter monitored = inner.WithMonitoring(true, new MonitoringOptions
            {
                Webhook = new WebhookOptions { Url = new Uri("http://alerts.test/"), Handler = receiver },
            });
            monitored.Route(Hidden, Tokens, new RoutingBuffers(Tokens, 2, Experts, false));
            return new WeakReference(monitored);
        }
    }

    [Fact]
    public void WithMonitoring_WhenNested_EachCountsForItself()
    {
        using DynamicRouter inner = Router();
        using MonitoredRouter first = inner.WithMonitoring();
        using MonitoredRouter second = first.WithMonitoring(enableCircuitBreaker: false);
        second.Route(Hidden, Tokens, new RoutingBuffers(Tokens, 2, Experts, false));
        first.Route(Hidden, Tokens, new RoutingBuffers(Tokens, 2, Experts, false));

        Assert.Equal(1, second.GetMonitoringSummary().Performance.TotalCalls);
        Assert.Equal(2, first.GetMonitoringSummary().Performance.TotalCalls);
    }

    [Fact]
    public void WithMonitoring_WhenAnArgumentIsWrong_SaysSo()
    {
        using DynamicRouter inner = Router();
        Assert.Throws<ArgumentNullException>(() => ((IRouter)null!).WithMonitoring());
        var error = Assert.Throws<RouterConfigurationException>(() => inner.WithMonitoring(true, new MonitoringOptions
        {
            Name = "",
            Window = TimeSpan.Zero,
            MinCalls = 0,
            ResolveBelow = 2,
            AlertThresholds = new AlertThresholds { AvgLatencyMs = double.NaN, ErrorRate = 1.5, LoadBalanceVariance = -1, MemoryUsageMb = 0 },
            CircuitBreaker = new CircuitBreakerOptions
            {
                FailureRatio = 0, MinimumCalls = 1, SamplingDuration = TimeSpan.Zero, BreakDuration = TimeSpan.FromDays(2), Fallback = (BreakerFallback)9,
            },
            Webhook = new WebhookOptions
            {
                Url = new Uri("ftp://x"), Secret = "short", Timeout = TimeSpan.Zero, MaxAttempts = 0, BackOff = TimeSpan.Zero, QueueCapacity = 0,
                MaxBackOff = TimeSpan.FromDays(3), DrainTimeout = TimeSpan.FromDays(1),
            },
            CheckInterval = TimeSpan.Zero,
        }));

        foreach (string name in (string[])[
            "Name", "Window", "MinCalls", "ResolveBelow", "AvgLatencyMs", "ErrorRate", "LoadBalanceVariance", "MemoryUsageMb", "FailureRatio",
            "MinimumCalls", "SamplingDuration", "BreakDuration", "Fallback", "Url", "Secret", "Timeout", "MaxAttempts", "BackOff", "QueueCapacity",
            "MaxBackOff", "DrainTimeout", "CheckInterval"])
        {
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("short", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "needs a DynamicRouter",
            Assert.Throws<RouterConfigurationException>(() => new WrappedRouter(inner).WithMonitoring(true, new MonitoringOptions
            {
                CircuitBreaker = new CircuitBreakerOptions { Fallback = BreakerFallback.StaticTopK },
            })).Message,
            StringComparison.Ordinal);
    }

    private DynamicRouter Router() => new(
        _gate, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin });

    private MonitoredRouter Monitor(IRouter inner, Func<MemoryReading> memory, Action<MonitoringOptions>? configure = null, bool breaker = true)
    {
        var options = new MonitoringOptions { TimeProvider = _clock };
        configure?.Invoke(options);
        return new MonitoredRouter(inner, breaker, options, memory);
    }

    private static void AssertEqual(RoutingBuffers expected, RoutingBuffers actual)
    {
        Assert.Equal(expected.ExpertIndices, actual.ExpertIndices);
        Assert.Equal(expected.ExpertWeights, actual.ExpertWeights);
        Assert.Equal(expected.ExpertsPerToken, actual.ExpertsPerToken);
        Assert.Equal(expected.ComplexityScores, actual.ComplexityScores);
        Assert.Equal(expected.RouterLogits, actual.RouterLogits);
        Assert.Equal(expected.Gaps, actual.Gaps);
        Assert.Equal(expected.ExpertRoutes, actual.ExpertRoutes);
    }
}
