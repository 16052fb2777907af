namespace DynamicMoE;

/// <summary>What the benchmarks have in common: configuration, progress and results.</summary>
internal abstract class BenchmarkRun
{
    private readonly List<BenchmarkResult> _results = [];

    /// <param name="kind">One of <see cref="BenchmarkKinds"/>.</param>
    /// <param name="config">Configuration.</param>
    /// <param name="options">Checked.</param>
    /// <exception cref="RouterConfigurationException">A value of the configuration is outside its range.</exception>
    private protected BenchmarkRun(string kind, BenchmarkConfig config, BenchmarkOptions options)
    {
        Kind = kind;
        Cases = [.. config.Cases().Select(work => work with { Threads = options.Threads })];
        Options = options;
        ConfigName = config.Name;
        Runs = config.NumRuns;
        WarmupRuns = config.WarmupRuns;
    }

    private protected IReadOnlyList<BenchmarkCase> Cases { get; }

    private protected BenchmarkOptions Options { get; }

    private protected int Runs { get; }

    private protected int WarmupRuns { get; }

    private protected TimeProvider Clock => Options.TimeProvider;

    private string Kind { get; }

    private string ConfigName { get; }

    /// <summary>Results that there will be.</summary>
    private protected abstract int Total { get; }

    /// <summary>Runs all combinations.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal IReadOnlyList<BenchmarkResult> Run(CancellationToken cancel)
    {
        foreach (BenchmarkCase work in Cases)
        {
            cancel.ThrowIfCancellationRequested();
            Measure(work, cancel);
        }

        Report("");
        return _results;
    }

    /// <summary>Measures one combination and keeps its results.</summary>
    private protected abstract void Measure(BenchmarkCase work, CancellationToken cancel);

    /// <summary>Tells what is measured next.</summary>
    private protected void Report(string current) => Options.Progress?.Report(new BenchmarkProgress(Kind, _results.Count, Total, current));

    /// <summary>Keeps a result.</summary>
    private protected void Keep(BenchmarkCase work, MetricTable metrics, params (string Key, object Value)[] parameters)
    {
        var all = new Dictionary<string, object>
        {
            [BenchmarkParameters.Benchmark] = Kind,
            [BenchmarkParameters.BatchSize] = work.BatchSize,
            [BenchmarkParameters.SequenceLength] = work.SequenceLength,
            [BenchmarkParameters.HiddenDim] = work.HiddenDim,
            [BenchmarkParameters.NumExperts] = work.NumExperts,
            [BenchmarkParameters.MinExperts] = work.MinExperts,
            [BenchmarkParameters.MaxExperts] = work.MaxExperts,
            [BenchmarkParameters.Threads] = work.Threads,
        };
        foreach ((string key, object value) in parameters)
        {
            all[key] = value;
        }

        double now = (Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        _results.Add(new BenchmarkResult(ConfigName, all, metrics.Values, now));
    }
}
