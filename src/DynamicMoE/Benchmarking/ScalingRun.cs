namespace DynamicMoE;

/// <summary>The router with one thread and with more, and with optimisations around it, in turns.</summary>
internal sealed class ScalingRun : BenchmarkRun
{
    // Threads of the call before spin for some milliseconds in wait of more work; they would take a core from the next one.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly int[] _threads;

    /// <param name="config">Configuration.</param>
    /// <param name="options">Checked.</param>
    /// <param name="poolThreads">Threads of the native pool, at least 1.</param>
    internal ScalingRun(BenchmarkConfig config, BenchmarkOptions options, int poolThreads)
        : base(BenchmarkKinds.Scaling, config, options)
    {
        var threads = new List<int>();
        for (int count = 1; count < poolThreads; count *= 2)
        {
            threads.Add(count);
        }

        _threads = [.. threads, poolThreads];
    }

    private int Variants => _threads.Length + Options.Optimizations.Count;

    private protected override int Total => Cases.Count * Variants;

    private protected override void Measure(BenchmarkCase work, CancellationToken cancel)
    {
        Report(work.ToString());
        var inputs = new BenchmarkInputs(work, Options.Seed);
        var contestants = new List<Contestant>();
        try
        {
            foreach (int threads in _threads)
            {
                contestants.Add(new Contestant(work with { Threads = threads }, inputs, Options, null, Runs));
            }

            foreach (RouterOptimization optimization in Options.Optimizations)
            {
                contestants.Add(new Contestant(work with { Threads = _threads[^1] }, inputs, Options, optimization, Runs));
            }

            TakeTurns(contestants, cancel);
            foreach (Contestant contestant in contestants)
            {
                Keep(contestant, contestants[0].Milliseconds);
            }
        }
        finally
        {
            foreach (Contestant contestant in contestants)
            {
                contestant.Dispose();
            }
        }
    }

    // Every other turn goes backwards: what the machine does beside it hits all alike.
    private void TakeTurns(List<Contestant> contestants, CancellationToken cancel)
    {
        for (int run = -WarmupRuns; run < Runs; run++)
        {
            for (int i = 0; i < contestants.Count; i++)
            {
                Contestant contestant = contestants[run % 2 == 0 ? i : contestants.Count - 1 - i];
                ArrivalWait.Until(Clock, Clock.GetTimestamp() + (long)(Pause.TotalSeconds * Clock.TimestampFrequency), cancel);
                contestant.Run(Clock, run, run + WarmupRuns);
            }
        }
    }

    private void Keep(Contestant contestant, double[] first)
    {
        var sample = new Sample(contestant.Milliseconds);
        var speedups = new Sample([.. first.Zip(contestant.Milliseconds, (one, own) => one / own)]);
        var metrics = new MetricTable();
        metrics.AddTimes(sample);
        metrics[BenchmarkMetrics.TokensPerSecond] = 1e3 * contestant.Case.Tokens / sample.Median;
        metrics[BenchmarkMetrics.Speedup] = speedups.Median;
        metrics.Add(BenchmarkMetrics.SpeedupLow, BenchmarkMetrics.SpeedupHigh, speedups.IntervalOf(0.5));
        metrics[BenchmarkMetrics.ParallelEfficiency] = speedups.Median / contestant.Case.Threads;
        metrics.AddRoutes(contestant.Case, contestant.Caller);
        Keep(contestant.Case, metrics, (BenchmarkParameters.Variant, contestant.Variant));
    }

    /// <summary>One number of threads, or one optimisation.</summary>
    private sealed class Contestant : IDisposable
    {
        private readonly IRouter _router;
        private readonly IRouter? _around;

        internal Contestant(BenchmarkCase work, BenchmarkInputs inputs, BenchmarkOptions options, RouterOptimization? optimization, int runs)
        {
            Case = work;
            Variant = optimization?.Name ?? DynamicMoEBenchmark.BaseVariant;
            Milliseconds = new double[runs];
            _router = options.Router(work);
            try
            {
                _around = optimization?.Apply(_router);
                Caller = new BenchmarkCaller(inputs, _around ?? _router);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        internal BenchmarkCase Case { get; }

        internal string Variant { get; }

        internal double[] Milliseconds { get; }

        internal BenchmarkCaller Caller { get; }

        internal void Run(TimeProvider clock, int run, int number)
        {
            // Not timed: wakes threads up and brings the input near.
            Caller.Serve(number);
            long begin = clock.GetTimestamp();
            Caller.Serve(number);
            long end = clock.GetTimestamp();
            if (run >= 0)
            {
                Milliseconds[run] = 1e3 * clock.Seconds(begin, end);
                Caller.Count();
            }
        }

        public void Dispose()
        {
            (_around as IDisposable)?.Dispose();
            (_router as IDisposable)?.Dispose();
        }
    }
}
