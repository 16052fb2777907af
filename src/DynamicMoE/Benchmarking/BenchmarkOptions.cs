namespace DynamicMoE;

/// <summary>Options of <see cref="DynamicMoEBenchmark"/>. Checked when it is built.</summary>
public sealed class BenchmarkOptions
{
    /// <summary>Makes the router of a combination; the benchmark disposes it if it can be.</summary>
    /// <value>The default, null, is a <see cref="DynamicRouter"/> with a random gate and the default estimator and strategy.</value>
    public Func<BenchmarkCase, IRouter>? RouterFactory { get; set; }

    /// <summary>Optimisations that the scaling benchmark runs beside the router as it is, with as many threads as the native pool has. The same few batches
    /// come again and again: a cache knows all their rows.</summary>
    /// <value>Of different names. The default is empty.</value>
    public IReadOnlyList<RouterOptimization> Optimizations { get; set; } = [];

    /// <summary>Arrivals of the throughput benchmark, as shares of the capacity that was measured before.</summary>
    /// <value>Not empty, each above 0 and at most 10. The default is 0.5 and 0.8.</value>
    public IReadOnlyList<double> Loads { get; set; } = [0.5, 0.8];

    /// <summary>Most threads of a call, in the latency and throughput benchmarks.</summary>
    /// <value>Between 0 and 1024. The default is 0: as many as the native pool has.</value>
    public int Threads { get; set; }

    /// <summary>Seed of inputs, gates and arrivals.</summary>
    /// <value>The default is 1.</value>
    public ulong Seed { get; set; } = 1;

    /// <summary>Is told where a benchmark is, on the thread that runs it.</summary>
    /// <value>The default is null: nobody.</value>
    public IProgress<BenchmarkProgress>? Progress { get; set; }

    /// <summary>Draws the charts of the report.</summary>
    /// <value>The default is null: the report has none.</value>
    public IChartRenderer? Charts { get; set; }

    /// <summary>The clock. Of one that is not the system's arrivals wait by its timers.</summary>
    /// <value>The default is that of the system.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal BenchmarkOptions Validated()
    {
        new OptionRules(nameof(BenchmarkOptions))
            .Range(nameof(Threads), Threads, 0, Limits.MaxThreads)
            .Require(Optimizations is not null && Optimizations.All(o => o is { Apply: not null } && !string.IsNullOrEmpty(o.Name)), $"Optimizations must have names and functions.")
            .Require(
                Optimizations is null || Optimizations.Select(o => o?.Name).Append(DynamicMoEBenchmark.BaseVariant).Distinct().Count() == Optimizations.Count + 1,
                $"Optimizations must have different names, none of them '{DynamicMoEBenchmark.BaseVariant}'.")
            .Require(Loads is { Count: > 0 } && Loads.All(load => load is > 0 and <= 10), $"Loads must be above 0 and at most 10, and not empty.")
            .Require(TimeProvider is not null, $"TimeProvider must not be null.")
            .ThrowIfBroken();
        var copy = (BenchmarkOptions)MemberwiseClone();
        copy.Optimizations = [.. Optimizations!];
        copy.Loads = [.. Loads];
        return copy;
    }

    /// <summary>Makes the router of a combination.</summary>
    /// <exception cref="ProfilingException">The factory's router does not fit the combination.</exception>
    internal IRouter Router(BenchmarkCase work)
    {
        if (RouterFactory is null)
        {
            return new DynamicRouter(new DynamicRouterOptions
            {
                InputDim = work.HiddenDim,
                NumExperts = work.NumExperts,
                MinExperts = work.MinExperts,
                MaxExperts = work.MaxExperts,
                Threads = work.Threads,
                Seed = Seed,
            });
        }

        IRouter? made = RouterFactory(work);
        if (made is null || made.InputDim != work.HiddenDim || made.NumExperts != work.NumExperts)
        {
            (made as IDisposable)?.Dispose();
            throw new ProfilingException(
                $"{nameof(RouterFactory)} made {(made is null ? "nothing" : $"a router of hidden size {made.InputDim} with {made.NumExperts} experts")} for: {work}.");
        }

        return made;
    }
}
