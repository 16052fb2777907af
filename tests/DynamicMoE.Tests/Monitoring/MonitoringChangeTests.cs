using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

/// <summary>Thresholds and webhook change while batches run.</summary>
public sealed class MonitoringChangeTests : IDisposable
{
    private const int Experts = 4;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(2 * Experts);
    private readonly ManualClock _clock = new();
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
    private readonly DynamicRouter _router;
    private readonly StubReceiver _first = StubReceiver.Of(204);
    private readonly StubReceiver _second = StubReceiver.Of(204);

    public MonitoringChangeTests() => _router = new DynamicRouter(_gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    [Fact]
    public void SetAlertThresholds_WhenARaisedOneIsTakenAway_EndsItsAlert()
    {
        List<MonitoringAlert> alerts = [];
        using var told = new CountdownEvent(2);
        using MonitoredRouter monitored = Slow(o => o.OnAlert = alert =>
        {
            lock (alerts)
            {
                alerts.Add(alert);
            }

            told.Signal();
        });
        Assert.Equal(MonitoringStatus.Degraded, monitored.GetMonitoringSummary().Health.Status);

        monitored.SetAlertThresholds(new AlertThresholds { AvgLatencyMs = null });
        _clock.Advance(TimeSpan.FromSeconds(5));

        MonitoringHealth health = monitored.GetMonitoringSummary().Health;
        Assert.Equal(MonitoringStatus.Healthy, health.Status);
        Assert.Equal((null, true), (health.Checks[0].Limit, health.Checks[0].Passed));
        Assert.True(told.Wait(TimeSpan.FromMinutes(1)));
        Assert.Equal([(AlertState.Raised, 50.0), (AlertState.Resolved, 50.0)], alerts.OrderBy(alert => alert.Timestamp).Select(alert => (alert.State, alert.Limit)));
    }

    [Fact]
    public async Task SetAlertWebhook_WhileAlertsAreSent_LosesNone()
    {
        MonitoredRouter monitored = Slow(o => o.Webhook = Webhook(_first));

        Assert.Throws<RouterConfigurationException>(() => monitored.SetAlertWebhook(new WebhookOptions()));
        monitored.SetAlertWebhook(Webhook(_second));
        _clock.Advance(TimeSpan.FromMinutes(2));
        await _first.Next();
        await _second.Next();
        monitored.SetAlertWebhook(null);
        await monitored.DisposeAsync();
        monitored.SetAlertWebhook(Webhook(_second));

        MonitoringHealth health = monitored.GetMonitoringSummary().Health;
        Assert.Equal((2L, 0L, 0L), (health.WebhookDelivered, health.WebhookFailed, health.WebhookDropped));
        Assert.Equal((1, 1), (_first.Count, _second.Count));
    }

    // The clock of the test runs ahead of the sender; nothing of it may time out.
    private static WebhookOptions Webhook(StubReceiver receiver) => new()
    {
        Url = new Uri("http://alerts.test/"), Handler = receiver, Timeout = TimeSpan.FromMinutes(10), DrainTimeout = TimeSpan.FromMinutes(10),
    };

    // Twenty calls of 60 ms and the check behind them: the alert of the mean latency is raised.
    private MonitoredRouter Slow(Action<MonitoringOptions> configure)
    {
        var options = new MonitoringOptions { TimeProvider = _clock, AlertThresholds = new AlertThresholds { MemoryUsageMb = null } };
        configure(options);
        var monitored = new MonitoredRouter(
            new SlowRouter(_router, _clock, TimeSpan.FromMilliseconds(60)), enableCircuitBreaker: false, options, () => default);
        var buffers = new RoutingBuffers(2, Experts, Experts, false);
        for (int call = 0; call < 20; call++)
        {
            monitored.Route(Hidden, 2, buffers);
        }

        _clock.Advance(TimeSpan.FromSeconds(5));
        return monitored;
    }
}
