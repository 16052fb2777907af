namespace DynamicMoE;

/// <summary>Several callers under arrivals of a fixed rate, after the capacity of so many callers was measured.</summary>
internal sealed class ThroughputRun : BenchmarkRun
{
    /// <summary>Concurrency levels where none are given.</summary>
    internal static readonly int[] DefaultLevels = [1, 2, 4, 8];

    private readonly int[] _levels;

    /// <exception cref="RouterConfigurationException">A level or a value of the configuration is outside its range.</exception>
    internal ThroughputRun(BenchmarkConfig config, BenchmarkOptions options, IReadOnlyList<int>? levels)
        : base(BenchmarkKinds.Throughput, config, options)
    {
        _levels = [.. levels ?? DefaultLevels];
        new OptionRules(nameof(BenchmarkConfig))
            .Require(_levels.Length > 0, $"concurrentRequests must not be empty.")
            .Require(_levels.All(level => level is >= 1 and <= 1024), $"concurrentRequests ({string.Join(", ", _levels)}) must lie within 1..1024.")
            .ThrowIfBroken();
    }

    private protected override int Total => Cases.Count * _levels.Length * Options.Loads.Count;

    private protected override void Measure(BenchmarkCase work, CancellationToken cancel)
    {
        IRouter router = Options.Router(work);
        using var owned = router as IDisposable;
        var inputs = new BenchmarkInputs(work, Options.Seed);
        foreach (int level in _levels)
        {
            Report($"{work}, {level} at a time: capacity");
            double capacity = Runs / Serve(Callers(), ArrivalSchedule.AtOnce(Runs), cancel).Total;
            foreach (double load in Options.Loads)
            {
                Report(FormattableString.Invariant($"{work}, {level} at a time, load {load}"));
                MeasureLoad(work, Callers(), load, capacity, cancel);
            }

            BenchmarkCaller[] Callers() => [.. Enumerable.Range(0, level).Select(_ => new BenchmarkCaller(inputs, router))];
        }
    }

    private void MeasureLoad(BenchmarkCase work, BenchmarkCaller[] callers, double load, double capacity, CancellationToken cancel)
    {
        long[] arrivals = ArrivalSchedule.Poisson(Runs, load * capacity, Clock.TimestampFrequency, Options.Seed);
        OpenLoopTimes times = Serve(callers, arrivals, cancel);
        var metrics = new MetricTable();
        metrics.AddTimes(Milliseconds(times.Response));
        metrics[BenchmarkMetrics.P50Service] = Milliseconds(times.Service).Median;
        metrics[BenchmarkMetrics.P95Wait] = Milliseconds(times.Wait).Quantile(0.95);
        Sample lag = Milliseconds(times.Lag);
        metrics[BenchmarkMetrics.P50ArrivalLag] = lag.Median;
        metrics[BenchmarkMetrics.P99ArrivalLag] = lag.Quantile(0.99);
        metrics[BenchmarkMetrics.CapacityPerSecond] = capacity;
        metrics[BenchmarkMetrics.OfferedPerSecond] = Runs / Clock.Seconds(0, Math.Max(1, arrivals[^1]));
        metrics[BenchmarkMetrics.AchievedPerSecond] = Runs / times.Total;
        metrics[BenchmarkMetrics.TokensPerSecond] = (double)Runs * work.Tokens / times.Total;
        metrics.AddRoutes(work, callers);
        Keep(work, metrics, (BenchmarkParameters.ConcurrentRequests, callers.Length), (BenchmarkParameters.Load, load));
    }

    private OpenLoopTimes Serve(BenchmarkCaller[] callers, long[] arrivals, CancellationToken cancel) =>
        OpenLoop.Run(Clock, arrivals, callers, WarmupRuns, cancel);

    private static Sample Milliseconds(double[] seconds) => new([.. seconds.Select(value => 1e3 * value)]);
}
