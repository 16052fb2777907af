using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Scaling;

/// <summary>Measuring and deciding under a clock that moves only when it is told to.</summary>
public sealed class CallMeterTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Snapshot_AfterCalls_HasTheirRatesAndPercentiles()
    {
        CallMeter meter = Meter(out _);
        for (int call = 1; call <= 100; call++)
        {
            Call(meter, TimeSpan.FromMilliseconds(call), tokens: 8, failed: call > 90);
        }

        OptimizationPerformance performance = meter.Snapshot(running: 3).Performance;

        Assert.Equal((100L, 10L, 720L, 3), (performance.TotalCalls, performance.FailedCalls, performance.TotalTokens, performance.RunningCalls));
        Assert.Equal(100 / 5.05, performance.CallsPerSecond, 1e-6);
        Assert.Equal(720 / 5.05, performance.TokensPerSecond, 1e-6);
        Assert.InRange(performance.P50.TotalMilliseconds, 50, 50 * 1.07);
        Assert.InRange(performance.P95.TotalMilliseconds, 95, 95 * 1.07);
        Assert.InRange(performance.P99.TotalMilliseconds, 99, 99 * 1.07);
    }

    [Fact]
    public void Snapshot_WhenCallsAreOlderThanTheWindow_LeavesThemOut()
    {
        CallMeter meter = Meter(out _);
        Call(meter, TimeSpan.FromSeconds(0.5), tokens: 1);
        for (int interval = 0; interval < 11; interval++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            Call(meter, TimeSpan.Zero, tokens: 1);
        }

        OptimizationPerformance performance = meter.Snapshot(0).Performance;

        Assert.InRange(performance.P99, TimeSpan.Zero, TimeSpan.FromMilliseconds(0.01));
        Assert.Equal(12, performance.TotalCalls);
        Assert.Equal(1, performance.CallsPerSecond, 0.1);
    }

    [Fact]
    public void Record_WhenCallersHoldHalfThePool_MeasuresThat()
    {
        CallMeter meter = Meter(out _);
        meter.RecordQueue(4, 2);
        meter.RecordQueue(4, 1);
        for (int call = 0; call < 21; call++)
        {
            // Two callers at a time, each the whole time.
            long start = meter.Start();
            _clock.Advance(TimeSpan.FromSeconds(0.25));
            meter.Record(start, 1, failed: false);
            meter.Record(start, 1, failed: false);
        }

        AutoscalerStatus status = meter.Snapshot(0).Status;

        Assert.Equal(0.5, status.Utilization, 0.06);
        Assert.Equal(1.5, status.QueueDepth);
        Assert.InRange(status.P95.TotalSeconds, 0.25, 0.27);
    }

    [Fact]
    public void Record_WhenTheTargetIsMissed_GivesMoreWorkersFromTheNextIntervalOn()
    {
        CallMeter meter = Meter(out Autoscaler scaler);
        Assert.Equal(1, scaler.Workers);
        for (int call = 0; call < 15; call++)
        {
            Call(meter, TimeSpan.FromMilliseconds(50), tokens: 1);
            Assert.Equal(1, scaler.Workers);
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
        Call(meter, TimeSpan.Zero, tokens: 1);
        Assert.Equal(2, scaler.Workers);

        // What was measured before says nothing about two workers.
        _clock.Advance(TimeSpan.FromSeconds(1));
        Call(meter, TimeSpan.Zero, tokens: 1);
        Assert.Equal(2, scaler.Workers);
    }

    [Fact]
    public void Record_WhenThereAreTooFewCalls_DecidesNothing()
    {
        CallMeter meter = Meter(out Autoscaler scaler);
        for (int call = 0; call < 9; call++)
        {
            Call(meter, TimeSpan.FromMilliseconds(500), tokens: 1);
        }

        Assert.Equal(1, scaler.Workers);
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(-3600)]
    [InlineData(-0.001)]
    public void Record_WhenTheClockJumps_ForgetsWhatWasMeasuredAndGoesOn(double seconds)
    {
        CallMeter meter = Meter(out Autoscaler scaler);
        for (int call = 0; call < 19; call++)
        {
            Call(meter, TimeSpan.FromMilliseconds(50), tokens: 1);
        }

        long start = meter.Start();
        _clock.Advance(TimeSpan.FromSeconds(seconds - (seconds < 0 ? 1 : 0)));
        meter.Record(start, 1, failed: false);
        Assert.Equal(1, scaler.Workers);
        Assert.Equal(20, meter.Snapshot(0).Performance.TotalCalls);

        // How long the call over the jump took nobody knows.
        Assert.Equal(TimeSpan.Zero, meter.Snapshot(0).Performance.P99);
        for (int call = 0; call < 30; call++)
        {
            Call(meter, TimeSpan.FromMilliseconds(1), tokens: 1);
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, meter.Snapshot(0).Status.Workers);
        for (int call = 0; call < 25; call++)
        {
            Call(meter, TimeSpan.FromMilliseconds(50), tokens: 1);
        }

        Assert.Equal(2, meter.Snapshot(0).Status.Workers);
    }

    [Fact]
    public async Task Record_WhenManyThreadsRecord_TakesNoneForAClockThatGoesBack()
    {
        const int threads = 4, calls = 5000;
        var clock = new SteppingClock();
        ScalingOptions options = new ScalingOptions { TimeProvider = clock }.Validated(2);
        var meter = new CallMeter(options, new Autoscaler(options, enabled: false, 1, null), maxWorkers: 1, poolThreads: 1);

        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(() =>
        {
            for (int call = 0; call < calls; call++)
            {
                meter.Record(meter.Start(), 1, failed: false);
            }
        })));

        // All within one interval: the window still holds every call.
        OptimizationPerformance performance = meter.Snapshot(0).Performance;
        Assert.Equal(threads * calls, performance.TotalCalls);
        Assert.Equal(threads * calls, performance.CallsPerSecond * clock.Seconds, 5.0);
    }

    [Fact]
    public void Record_WhenAWindowIsOver_SaysSoOnce()
    {
        CallMeter meter = Meter(out _);
        int ended = 0;
        for (int interval = 0; interval < 25; interval++)
        {
            long start = meter.Start();
            ended += meter.Record(start, 1, failed: false) ? 1 : 0;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(2, ended);
    }

    [Fact]
    public void Record_WhenTheLoadStaysLow_GivesWorkersUpOncePerWindow()
    {
        CallMeter meter = Meter(out Autoscaler scaler, workers: 4);
        var workers = new List<int>();
        for (int interval = 0; interval < 36; interval++)
        {
            for (int call = 0; call < 20; call++)
            {
                Call(meter, TimeSpan.FromMilliseconds(1), tokens: 1);
            }

            _clock.Advance(TimeSpan.FromSeconds(0.98));
            workers.Add(meter.Snapshot(0).Status.Workers);
        }

        Assert.Equal([4, 3, 2, 1], workers.Distinct());
        Assert.Equal(9, workers.IndexOf(3));
        Assert.Equal(19, workers.IndexOf(2));
        Assert.Equal((0L, 3L), (scaler.ScaleUps, scaler.ScaleDowns));
    }

    private CallMeter Meter(out Autoscaler scaler, int workers = 1)
    {
        ScalingOptions options = new ScalingOptions
        {
            Interval = TimeSpan.FromSeconds(1), Stabilization = TimeSpan.FromSeconds(10), MinCalls = 10, TimeProvider = _clock,
        }.Validated(4);
        scaler = new Autoscaler(options, enabled: true, workers, null);
        return new CallMeter(options, scaler, maxWorkers: 4, poolThreads: 4);
    }

    private void Call(CallMeter meter, TimeSpan duration, int tokens, bool failed = false)
    {
        long start = meter.Start();
        _clock.Advance(duration);
        meter.Record(start, tokens, failed);
    }
}
