using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

public sealed class AlertWatchTests
{
    private const long Mib = 1 << 20;
    private readonly ManualClock _clock = new();
    private readonly List<MonitoringAlert> _alerts = [];
    private readonly CallWindow _window;
    private readonly AlertWatch _watch;

    public AlertWatchTests()
    {
        MonitoringOptions options = new MonitoringOptions { Name = "watched", TimeProvider = _clock }.Validated(null);
        _window = new CallWindow(options.Window, _clock, experts: 4);
        _watch = new AlertWatch(options, "watched", _alerts.Add);
    }

    public static TheoryData<AlertKind, double> Kinds => new()
    {
        { AlertKind.AvgLatencyMs, 50 }, { AlertKind.ErrorRate, 0.05 }, { AlertKind.LoadBalanceVariance, 0.1 }, { AlertKind.MemoryUsageMb, 1000 },
    };

    [Theory, MemberData(nameof(Kinds))]
    public void Check_WhenAValueGoesAboveItsThresholdAndBack_SaysEachOnce(AlertKind kind, double limit)
    {
        Check(kind, limit * 1.1);
        Check(kind, limit * 1.2);
        Check(kind, limit * 0.95);
        MonitoringAlert raised = Assert.Single(_alerts);
        DateTimeOffset later = _clock.GetUtcNow();
        Check(kind, limit * 0.85);
        Check(kind, limit * 0.5);

        Assert.Equal((kind, AlertState.Raised, limit, "watched"), (raised.Alert, raised.State, raised.Limit, raised.Router));
        Assert.Equal(limit * 1.1, raised.Value, 0.02 * limit);
        Assert.Equal(2, _alerts.Count);
        Assert.Equal(AlertState.Resolved, _alerts[1].State);
        Assert.Equal(limit * 0.85, _alerts[1].Value, 0.02 * limit);
        Assert.NotEqual(raised.Id, _alerts[1].Id);
        Assert.True(raised.Timestamp < later);
        Assert.Equal(1, _watch.Raised);
    }

    [Fact]
    public void Check_WhenCallsAreFew_RaisesAndResolvesNothing()
    {
        Fail(19);
        _watch.Check(_window.Read(), default);
        Assert.Empty(_alerts);

        Fail(1);
        _watch.Check(_window.Read(), default);
        Assert.Equal(AlertKind.ErrorRate, Assert.Single(_alerts).Alert);

        _clock.Advance(TimeSpan.FromMinutes(2));
        Serve(5, TimeSpan.FromMilliseconds(1), [1, 1, 1, 1]);
        _watch.Check(_window.Read(), default);
        Assert.Single(_alerts);

        _clock.Advance(TimeSpan.FromMinutes(2));
        _watch.Check(_window.Read(), default);
        Assert.Equal(AlertState.Resolved, _alerts[^1].State);
    }

    [Fact]
    public void Check_WhenTheBreakerMoves_AlertsFromOpenToClosed()
    {
        _watch.Check(CircuitBreakerState.Open);
        _watch.Check(CircuitBreakerState.HalfOpen);
        _watch.Check(CircuitBreakerState.Open);
        _watch.Check(CircuitBreakerState.HalfOpen);
        _watch.Check(CircuitBreakerState.Closed);

        Assert.Equal([AlertState.Raised, AlertState.Resolved], _alerts.Select(alert => alert.State));
        Assert.All(_alerts, alert => Assert.Equal(AlertKind.CircuitBreaker, alert.Alert));
        Assert.Equal([2.0, 0.0], _alerts.Select(alert => alert.Value));
    }

    [Fact]
    public void Checks_WhenAsked_HaveOneForEachKindWithItsName()
    {
        _watch.Check(CircuitBreakerState.Open);
        MonitoringCheck[] checks = _watch.Checks(_window.Read(), new MemoryReading(10 * Mib, 0, 0), CircuitBreakerState.HalfOpen);

        Assert.Equal(Enum.GetValues<AlertKind>(), checks.Select(check => check.Alert));
        Assert.Equal([50, 0.05, 0.1, 1000, 0], checks.Select(check => check.Limit!.Value));
        Assert.Equal([0, 0, 0, 10, 1], checks.Select(check => check.Value));
        Assert.Equal([true, true, true, true, false], checks.Select(check => check.Passed));
        Assert.Equal(_clock.GetUtcNow(), checks[^1].Since);
        Assert.Equal(
            ["avg_latency_ms", "error_rate", "load_balance_variance", "memory_usage_mb", "circuit_breaker"], checks.Select(check => AlertJson.Name(check.Alert)));
    }

    // A fresh window with the value asked for, as near as whole calls give it.
    private void Check(AlertKind kind, double value)
    {
        _clock.Advance(TimeSpan.FromHours(1));
        MemoryReading memory = default;
        switch (kind)
        {
            case AlertKind.AvgLatencyMs:
                Serve(20, TimeSpan.FromMilliseconds(value), [1, 1, 1, 1]);
                break;
            case AlertKind.ErrorRate:
                int failures = (int)Math.Round(value * 10_000);
                Fail(failures);
                Serve(10_000 - failures, TimeSpan.Zero, [1, 1, 1, 1]);
                break;
            case AlertKind.LoadBalanceVariance:
                // One of four experts has the share s: the variance is (s - 1/4)^2 / 3.
                long routes = (long)Math.Round((0.25 + Math.Sqrt(3 * value)) * 3000);
                Serve(20, TimeSpan.Zero, [routes, (3000 - routes) / 3, (3000 - routes) / 3, (3000 - routes) / 3]);
                break;
            default:
                memory = new MemoryReading((long)(value * Mib), 0, 0);
                break;
        }

        _watch.Check(_window.Read(), memory);
    }

    private void Serve(int calls, TimeSpan time, long[] routes)
    {
        for (int call = 0; call < calls; call++)
        {
            long start = _clock.GetTimestamp();
            _clock.Advance(time);
            _window.Served(start, new RoutingReport(1, routes.Sum(), routes.Count(r => r > 0), routes.Max(), 0, 0), routes);
        }
    }

    private void Fail(int calls)
    {
        for (int call = 0; call < calls; call++)
        {
            _window.Failed(_clock.GetTimestamp(), CallFault.Service);
        }
    }
}
