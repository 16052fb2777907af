using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

/// <summary>Faults one after the other, in every part at once: nothing leaks and the state fits together afterwards.</summary>
[Collection(NativeMemory.Name)]
public sealed class MonitoringFaultTests
{
    private const int Experts = 8;
    private const int Tokens = 6;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Tokens * Experts);

    [Theory]
    [InlineData(BreakerFallback.StaticTopK, false)]
    [InlineData(BreakerFallback.StaticTopK, true)]
    [InlineData(BreakerFallback.LastGood, false)]
    [InlineData(BreakerFallback.FailFast, true)]
    public void Forward_WhenEverythingFailsInTurn_LeaksNothingAndCountsAll(BreakerFallback fallback, bool managed)
    {
        _ = Storm(fallback, managed, seed: 1);
        long before = NativeMemory.HeldBytes();

        (long calls, long served, MonitoringSummary summary) = Storm(fallback, managed, seed: 2);

        Assert.Equal(before, NativeMemory.HeldBytes());
        MonitoringPerformance performance = summary.Performance;
        Assert.Equal(calls, performance.TotalCalls);
        Assert.Equal(calls - served, performance.TotalErrors + performance.TotalRejected);
        Assert.True(served > 0 && performance.TotalErrors > 0 && performance.TotalRejected > 0);
        Assert.True(performance.TotalFallbacks > 0);
        Assert.Equal(CircuitBreakerState.Closed, summary.CircuitBreakerState);
        Assert.InRange(summary.Health.WebhookDropped, 1, 2 * summary.Health.AlertsRaised);
    }

    // Estimators and experts that fail for a while, inputs with NaN, masks that leave nothing, a clock that jumps, a webhook that never answers.
    private static (long Calls, long Served, MonitoringSummary Summary) Storm(BreakerFallback fallback, bool managed, ulong seed)
    {
        var random = new SeededRandom(seed);
        var clock = new ManualClock();
        var estimator = new SwitchEstimator();
        using var receiver = new StubReceiver(async (_, stop) =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return new HttpResponseMessage();
        });
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 1, MaxExperts = 3, ComplexityEstimator = estimator });
        using MonitoredRouter monitored = router.WithMonitoring(true, new MonitoringOptions
        {
            TimeProvider = clock,
            MinCalls = 5,
            CircuitBreaker = new CircuitBreakerOptions { Fallback = fallback, MinimumCalls = 4 },
            Webhook = new WebhookOptions { Url = new Uri("http://alerts.test/"), Handler = receiver, QueueCapacity = 1, MaxAttempts = 1 },
        });
        string expertFault = "";
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 8 });
        using MoELayer layer = managed
            ? new MoELayer(monitored, _ => new FunctionExpert((rows, _, output) => Run(rows, output)), Experts)
            : new MoELayer(monitored, experts.Bank);
        float[] broken = [.. Hidden];
        broken[7] = float.NaN;
        long calls = 0, served = 0;
        for (int step = 0; step < 120; step++)
        {
            estimator.Failure = random.NextDouble() < 0.6 ? new InvalidOperationException("broken") : null;
            expertFault = random.NextDouble() switch { < 0.1 => "throws", < 0.2 => "nan", _ => "" };
            for (int call = 0; call < 5; call++)
            {
                double what = random.NextDouble();
                Call(what < 0.1 ? broken : Hidden, what is > 0.1 and < 0.2 ? new RoutingContext { ExpertMask = new byte[Experts] } : null);
            }

            clock.Advance(TimeSpan.FromSeconds(random.NextDouble() switch { < 0.05 => -100, < 0.1 => 4000, _ => 2 * random.NextDouble() }));
            clock.SetTimeOfDay(DateTimeOffset.UnixEpoch.AddDays(random.NextDouble() * 40_000));
        }

        // It recovers, whatever was before. The clock may have to make up for having gone back.
        (estimator.Failure, expertFault) = (null, "");
        for (int tries = 0; monitored.CircuitBreakerState != CircuitBreakerState.Closed && tries < 100; tries++)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            Call(Hidden, null);
        }

        Call(Hidden, null);
        monitored.Dispose();
        monitored.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return (calls, served, monitored.GetMonitoringSummary());

        void Call(float[] hidden, RoutingContext? context)
        {
            calls++;
            try
            {
                layer.Forward(hidden, Tokens, new float[Hidden.Length], null, context);
                served++;
            }
            catch (DynamicMoEException)
            {
                // Typed, whichever it is.
            }
        }

        void Run(ReadOnlySpan<float> rows, Span<float> output)
        {
            if (expertFault == "throws")
            {
                throw new InvalidOperationException("gone");
            }

            rows.CopyTo(output);
            output[0] = expertFault == "nan" ? float.NaN : output[0];
        }
    }
}
