using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DynamicMoE;

/// <summary>
/// Measures routing: time of a call, throughput under arrivals of a fixed rate, and what threads and optimisations gain. Results of all runs are kept for
/// <see cref="SaveResults"/> and <see cref="GenerateReport"/>. One thread at a time may use an instance; measure while the machine does nothing else.
/// </summary>
public sealed class DynamicMoEBenchmark
{
    /// <summary>Value of <see cref="BenchmarkParameters.Variant"/>: the router as it is.</summary>
    public const string BaseVariant = "base";

    private readonly BenchmarkOptions _options;
    private readonly List<BenchmarkResult> _results = [];

    /// <summary>Makes a benchmark. Nothing is written before results are saved.</summary>
    /// <param name="outputDir">Folder of results and charts; made when it is needed.</param>
    /// <param name="options">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="ArgumentException"><paramref name="outputDir"/> is null or empty.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public DynamicMoEBenchmark(string outputDir = "benchmark_results", BenchmarkOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputDir);
        OutputDirectory = outputDir;
        _options = (options ?? new BenchmarkOptions()).Validated();
    }

    /// <summary>Folder of results and charts.</summary>
    public string OutputDirectory { get; }

    /// <summary>Results of all runs so far, in order.</summary>
    public IReadOnlyList<BenchmarkResult> Results => [.. _results];

    /// <summary>Measures the time of a routing call: one caller, one call after the other.</summary>
    /// <param name="config">What to run.</param>
    /// <param name="cancellationToken">Ends the run between two calls.</param>
    /// <returns>One result per combination, which <see cref="Results"/> holds too; all of them or none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="config"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A value of <paramref name="config"/> is outside its range; the message names all that are.</exception>
    /// <exception cref="ProfilingException">RouterFactory made a router that does not fit.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyList<BenchmarkResult> RunLatencyBenchmark(BenchmarkConfig config, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Keep(new LatencyRun(config, _options), cancellationToken);
    }

    /// <summary>Measures throughput under concurrent load. For each level so many callers run as fast as they can, which gives the capacity; then requests arrive
    /// as a Poisson process at the shares of it in <see cref="BenchmarkOptions.Loads"/>, whether or not earlier ones are done. A request's time counts
    /// from its intended arrival, so that one that had to wait for a slow one shows it (no coordinated omission).</summary>
    /// <param name="config">What to run; NumRuns is the number of requests.</param>
    /// <param name="concurrentRequests">Requests that are served at the same time at most, each level 1..1024; null for 1, 2, 4 and 8.</param>
    /// <param name="cancellationToken">Ends the run between two requests.</param>
    /// <returns>One result per combination, level and load, which <see cref="Results"/> holds too; all of them or none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="config"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A value of <paramref name="config"/> or a level is outside its range; the message names all that are.</exception>
    /// <exception cref="ProfilingException">RouterFactory made a router that does not fit.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyList<BenchmarkResult> RunThroughputBenchmark(
        BenchmarkConfig config, IReadOnlyList<int>? concurrentRequests = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Keep(new ThroughputRun(config, _options, concurrentRequests), cancellationToken);
    }

    /// <summary>Measures what threads and the <see cref="BenchmarkOptions.Optimizations"/> gain: the router with 1, 2, 4... threads up to those of the native
    /// pool, and with each optimisation around it, call by call in turns.</summary>
    /// <param name="config">What to run.</param>
    /// <param name="cancellationToken">Ends the run between two calls.</param>
    /// <returns>One result per combination and variant, which <see cref="Results"/> holds too; all of them or none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="config"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A value of <paramref name="config"/> is outside its range; the message names all that are.</exception>
    /// <exception cref="ProfilingException">RouterFactory made a router that does not fit.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public IReadOnlyList<BenchmarkResult> RunScalingBenchmark(BenchmarkConfig config, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Keep(new ScalingRun(config, _options, RuntimeInfo.Query().PoolThreads), cancellationToken);
    }

    /// <summary>Writes all results as JSON, names in snake_case: {machine, results [{config_name, parameters, metrics, timestamp}]}. The file appears once it is
    /// whole and replaces one of its name.</summary>
    /// <param name="filename">Name in <see cref="OutputDirectory"/>, or a rooted path; null for benchmark_ and the time in UTC.</param>
    /// <returns>Path of the file.</returns>
    /// <exception cref="ArgumentException"><paramref name="filename"/> is empty.</exception>
    /// <exception cref="ProfilingException">There are no results yet.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public string SaveResults(string? filename = null)
    {
        filename ??= string.Create(CultureInfo.InvariantCulture, $"benchmark_{_options.TimeProvider.GetUtcNow():yyyyMMdd-HHmmss}.json");
        ArgumentException.ThrowIfNullOrEmpty(filename);
        byte[] json = Encoding.UTF8.GetBytes(ToJson() + "\n");
        string path = Path.Combine(OutputDirectory, filename);
        Directory.CreateDirectory(OutputDirectory);
        using var file = new WholeFile(path, overwrite: true);
        file.Stream.Write(json);
        file.Commit();
        return path;
    }

    /// <summary>All results as JSON, as <see cref="SaveResults"/> writes them.</summary>
    /// <returns>{machine {cpu, logical_cpus, pool_threads, isa, library_version}, results}.</returns>
    /// <exception cref="ProfilingException">There are no results yet.</exception>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public string ToJson()
    {
        RequireResults();
        return JsonSerializer.Serialize(new BenchmarkDocument(BenchmarkMachine.Query(), _results), ReportJson.Default.BenchmarkDocument);
    }

    /// <summary>Writes all results as a page. With a renderer in the options its charts are written to <see cref="OutputDirectory"/>.</summary>
    /// <returns>Markdown.</returns>
    /// <exception cref="ProfilingException">There are no results yet.</exception>
    /// <exception cref="IOException">A chart cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public string GenerateReport()
    {
        IReadOnlyList<Chart> charts = GetCharts();
        IReadOnlyList<string> files = _options.Charts is { } renderer ? ChartFiles.Write(charts, renderer, OutputDirectory) : [];
        return new BenchmarkReport(_results, BenchmarkMachine.Query(), files).Text();
    }

    /// <summary>The charts of <see cref="GenerateReport"/> as data, one for each kind of benchmark that was run.</summary>
    /// <returns>At least one.</returns>
    /// <exception cref="ProfilingException">There are no results yet.</exception>
    public IReadOnlyList<Chart> GetCharts()
    {
        RequireResults();
        return BenchmarkCharts.Of(_results);
    }

    private IReadOnlyList<BenchmarkResult> Keep(BenchmarkRun run, CancellationToken cancel)
    {
        IReadOnlyList<BenchmarkResult> results = run.Run(cancel);
        _results.AddRange(results);
        return results;
    }

    private void RequireResults()
    {
        if (_results.Count == 0)
        {
            throw new ProfilingException("No benchmark was run yet.");
        }
    }
}
