namespace DynamicMoE;

/// <summary>One caller, one call after the other.</summary>
internal sealed class LatencyRun(BenchmarkConfig config, BenchmarkOptions options) : BenchmarkRun(BenchmarkKinds.Latency, config, options)
{
    private protected override int Total => Cases.Count;

    private protected override void Measure(BenchmarkCase work, CancellationToken cancel)
    {
        Report(work.ToString());
        IRouter router = Options.Router(work);
        using var owned = router as IDisposable;
        var caller = new BenchmarkCaller(new BenchmarkInputs(work, Options.Seed), router);
        var milliseconds = new double[Runs];
        for (int run = -WarmupRuns; run < Runs; run++)
        {
            cancel.ThrowIfCancellationRequested();
            int number = run + WarmupRuns;
            long begin = Clock.GetTimestamp();
            caller.Serve(number);
            long end = Clock.GetTimestamp();
            if (run >= 0)
            {
                milliseconds[run] = 1e3 * Clock.Seconds(begin, end);
                caller.Count();
            }
        }

        var sample = new Sample(milliseconds);
        var metrics = new MetricTable();
        metrics.AddTimes(sample);
        metrics[BenchmarkMetrics.TokensPerSecond] = 1e3 * work.Tokens / sample.Median;
        metrics.AddRoutes(work, caller);
        Keep(work, metrics);
    }
}
