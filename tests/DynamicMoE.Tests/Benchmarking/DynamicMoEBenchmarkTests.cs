using System.Reflection;
using System.Text.Json;
using DynamicMoE.Tests.Support;
using DynamicMoE.TestKit.Checkpoints;
using M = DynamicMoE.BenchmarkMetrics;
using P = DynamicMoE.BenchmarkParameters;

namespace DynamicMoE.Tests.Benchmarking;

public class DynamicMoEBenchmarkTests
{
    private static readonly BenchmarkConfig OneCase = new()
    {
        Name = "one", NumRuns = 100, WarmupRuns = 2, BatchSizes = [2], SequenceLengths = [5], HiddenDims = [4], NumExpertsList = [8], MinExpertsList = [1],
        MaxExpertsList = [4],
    };

    private readonly SelfMovingClock _clock = new();
    private readonly List<ScriptedRouter> _routers = [];
    private readonly List<BenchmarkProgress> _progress = [];

    [Fact]
    public void Latency_WhenCallsTakeOneToAHundredMilliseconds_HasTheirExactFigures()
    {
        // Two calls of warm-up, then 1, 2 .. 100 ms, each token with 3 of at most 4 experts.
        DynamicMoEBenchmark benchmark = Scripted(call => call - 1, experts: 3);

        BenchmarkResult result = Assert.Single(benchmark.RunLatencyBenchmark(OneCase));

        Assert.Equal(("one", 20000.0 * 86400), (result.ConfigName, result.Timestamp));
        Assert.Equal(
            [
                (P.Benchmark, "latency"), (P.BatchSize, 2), (P.SequenceLength, 5), (P.HiddenDim, 4), (P.NumExperts, 8), (P.MinExperts, 1), (P.MaxExperts, 4),
                (P.Threads, 0),
            ],
            result.Parameters.Select(pair => (pair.Key, pair.Value)));
        var expected = new Dictionary<string, double>
        {
            [M.Runs] = 100, [M.MeanLatency] = 50.5, [M.StandardDeviation] = Math.Sqrt(100 * 101 / 12.0), [M.MinLatency] = 1, [M.MaxLatency] = 100,
            [M.P50Latency] = 50.5, [M.P50LatencyLow] = 40, [M.P50LatencyHigh] = 61, [M.P95Latency] = 95, [M.P95LatencyLow] = 90, [M.P95LatencyHigh] = 100,
            [M.P99Latency] = 99, [M.TokensPerSecond] = 10 / 0.0505, [M.MeanExpertsPerToken] = 3, [M.RoutesSaved] = 0.25, [M.LoadBalanceScore] = 3.0 / 8,
        };
        AssertMetrics(expected, result);
        Assert.True(Assert.Single(_routers).Disposed);
        Assert.Same(result, Assert.Single(benchmark.Results));
    }

    [Fact]
    public void Throughput_WhenOneServes_MatchesTheQueueThatTheArrivalsMake()
    {
        // 2 ms a call: 500 requests per second fit; 0.8 of that arrive.
        DynamicMoEBenchmark benchmark = Scripted(_ => 2, experts: 1, options => options.Loads = [0.8]);

        BenchmarkResult result = Assert.Single(benchmark.RunThroughputBenchmark(OneCase, [1]));

        long[] arrivals = ArrivalSchedule.Poisson(100, 400, TimeSpan.TicksPerSecond, 1);
        double[] response = new double[100], wait = new double[100];
        double free = 0;
        for (int i = 0; i < 100; i++)
        {
            double arrival = arrivals[i] / 10_000.0;
            free = Math.Max(free, arrival) + 2;
            (response[i], wait[i]) = (free - arrival, free - arrival - 2);
        }

        Assert.Equal((1, 0.8), (result.Parameters[P.ConcurrentRequests], result.Parameters[P.Load]));
        Array.Sort(response);
        Array.Sort(wait);
        Assert.True(response[94] > 4);
        var expected = new Dictionary<string, double>
        {
            [M.Runs] = 100, [M.MeanLatency] = response.Average(), [M.StandardDeviation] = new Sample(response).StandardDeviation, [M.MinLatency] = response[0],
            [M.MaxLatency] = response[99], [M.P50Latency] = (response[49] + response[50]) / 2, [M.P50LatencyLow] = response[39],
            [M.P50LatencyHigh] = response[60], [M.P95Latency] = response[94], [M.P95LatencyLow] = response[89], [M.P95LatencyHigh] = response[99],
            [M.P99Latency] = response[98], [M.P50Service] = 2, [M.P95Wait] = wait[94], [M.P50ArrivalLag] = 0,
            [M.P99ArrivalLag] = 0, [M.CapacityPerSecond] = 500,
            [M.OfferedPerSecond] = 100 / (arrivals[99] / 1e7), [M.AchievedPerSecond] = 1e5 / free, [M.TokensPerSecond] = 1e6 / free,
            [M.MeanExpertsPerToken] = 1, [M.RoutesSaved] = 0.75, [M.LoadBalanceScore] = 1.0 / 8,
        };
        AssertMetrics(expected, result);
    }

    [Fact]
    public void Throughput_WhenLevelsAreNull_RunsTheDefaultOnes()
    {
        DynamicMoEBenchmark benchmark = Scripted(_ => 1, experts: 1);

        IReadOnlyList<BenchmarkResult> results = benchmark.RunThroughputBenchmark(OneCase);

        Assert.Equal(
            from level in (int[])[1, 2, 4, 8] from load in (double[])[0.5, 0.8] select ((object)level, (object)load),
            results.Select(result => (result.Parameters[P.ConcurrentRequests], result.Parameters[P.Load])));
        Assert.All(results, result => Assert.Equal(100, result.Metrics[M.Runs]));
    }

    [Theory]
    [InlineData(new int[0], "BenchmarkConfig: concurrentRequests must not be empty.")]
    [InlineData(new[] { 1, 0 }, "BenchmarkConfig: concurrentRequests (1, 0) must lie within 1..1024.")]
    public void Throughput_WhenLevelsAreWrong_NamesThem(int[] levels, string message) => Assert.Equal(
        message, Assert.Throws<RouterConfigurationException>(() => new DynamicMoEBenchmark().RunThroughputBenchmark(OneCase, levels)).Message);

    [Fact]
    public void Scaling_WhenThreadsDivideTheTime_FindsSpeedupAndEfficiency()
    {
        int pool = RuntimeInfo.Query().PoolThreads;
        DynamicMoEBenchmark benchmark = Benchmark(
            work => new ScriptedRouter(work, _clock, 2, call => (8.0 + (call % 4)) / work.Threads),
            options => options.Optimizations = [new RouterOptimization("none", router => router), new RouterOptimization("twice", Faster)]);

        IReadOnlyList<BenchmarkResult> results = benchmark.RunScalingBenchmark(OneCase);

        Assert.Equal([("none", pool), ("twice", pool)], results.TakeLast(2).Select(result => ((string)result.Parameters[P.Variant], (int)result.Parameters[P.Threads])));
        Assert.Equal(("base", 1), (results[0].Parameters[P.Variant], results[0].Parameters[P.Threads]));
        Assert.Equal(("base", pool), (results[^3].Parameters[P.Variant], results[^3].Parameters[P.Threads]));
        foreach (BenchmarkResult result in results)
        {
            double gain = Equals(result.Parameters[P.Variant], "twice") ? 2 : 1;
            int threads = (int)result.Parameters[P.Threads];
            Assert.Equal(gain * threads, result.Metrics[M.Speedup], 3);
            Assert.Equal(gain * threads, result.Metrics[M.SpeedupLow], 3);
            Assert.Equal(gain, result.Metrics[M.ParallelEfficiency], 3);
        }

        IRouter Faster(IRouter inner) => new ScriptedRouter(
            new BenchmarkCase(2, 5, 4, 8, 1, 4), _clock, 2, call => (8.0 + (call % 4)) / pool / 2);
    }

    [Fact]
    public void Metrics_WhenEveryBenchmarkRan_AreExactlyTheDocumentedOnes()
    {
        DynamicMoEBenchmark benchmark = Scripted(call => 1 + (call % 3), experts: 2);
        var config = new BenchmarkConfig
        {
            Name = "all", NumRuns = 368, BatchSizes = [1], SequenceLengths = [1], HiddenDims = [2], NumExpertsList = [4], MaxExpertsList = [4],
        };

        benchmark.RunLatencyBenchmark(config);
        benchmark.RunThroughputBenchmark(config, [1]);
        benchmark.RunScalingBenchmark(config);

        Assert.Equal(Constants(typeof(M)), benchmark.Results.SelectMany(result => result.Metrics.Keys).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(Constants(typeof(P)), benchmark.Results.SelectMany(result => result.Parameters.Keys).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Progress_WhenRunning_CountsResults()
    {
        Scripted(_ => 1, experts: 1).RunThroughputBenchmark(OneCase, [1, 2]);

        Assert.All(_progress, step => Assert.Equal(("throughput", 4), (step.Benchmark, step.Total)));
        Assert.Equal([0, 0, 1, 2, 2, 3, 4], _progress.Select(step => step.Done));
        Assert.Equal("batch 2 x 5 tokens, hidden 4, 1..4 of 8 experts, 2 at a time, load 0.5", _progress[4].Current);
        Assert.Equal("", _progress[^1].Current);
    }

    [Fact]
    public void Run_WhenCancelled_KeepsNothing()
    {
        using var cancel = new CancellationTokenSource();
        DynamicMoEBenchmark benchmark = Scripted(
            call =>
            {
                if (call == 50)
                {
                    cancel.Cancel();
                }

                return 1;
            },
            experts: 1);

        Assert.Throws<OperationCanceledException>(() => benchmark.RunLatencyBenchmark(OneCase, cancel.Token));
        Assert.Empty(benchmark.Results);
        Assert.True(Assert.Single(_routers).Disposed);
    }

    [Fact]
    public void Factory_WhenItsRouterDoesNotFit_IsRefused()
    {
        DynamicMoEBenchmark benchmark = Benchmark(work => new ScriptedRouter(work with { HiddenDim = 7 }, _clock, 1, _ => 1));

        Assert.Equal(
            "RouterFactory made a router of hidden size 7 with 8 experts for: batch 2 x 5 tokens, hidden 4, 1..4 of 8 experts.",
            Assert.Throws<ProfilingException>(() => benchmark.RunLatencyBenchmark(OneCase)).Message);
        Assert.True(Assert.Single(_routers).Disposed);
    }

    [Fact]
    public void Constructor_WhenOptionsAreWrong_NamesThem()
    {
        var options = new BenchmarkOptions
        {
            Threads = -1, Loads = [0], Optimizations = [new RouterOptimization("base", router => router)], TimeProvider = null!,
        };

        Assert.Equal(
            "BenchmarkOptions: Threads (-1) is outside 0..1024. Optimizations must have different names, none of them 'base'. "
            + "Loads must be above 0 and at most 10, and not empty. TimeProvider must not be null.",
            Assert.Throws<RouterConfigurationException>(() => new DynamicMoEBenchmark("out", options)).Message);
        Assert.Throws<ArgumentException>(() => new DynamicMoEBenchmark(""));
        Assert.Equal("benchmark_results", new DynamicMoEBenchmark().OutputDirectory);
    }

    [Theory]
    [InlineData(0.5, false)]
    [InlineData(0.51, true)]
    public void LateArrivals_WhenTheLagIsMoreThanATenthOfTheMedian_IsTrueAndThePageSaysSo(double lag, bool late)
    {
        DynamicMoEBenchmark benchmark = Scripted(_ => 1, experts: 1);
        benchmark.RunThroughputBenchmark(OneCase, [1]);
        BenchmarkResult[] rows = [.. benchmark.Results.Select(row => row with
        {
            Metrics = new Dictionary<string, double>(row.Metrics) { [M.P50Latency] = 5, [M.P99ArrivalLag] = lag },
        })];

        string page = new BenchmarkReport(rows, BenchmarkMachine.Query(), []).Text();

        Assert.All(rows, row => Assert.Equal(late, row.LateArrivals));
        Assert.Equal(late, page.Contains($"| {lag} late | 100 |", StringComparison.Ordinal));
        Assert.Equal(late, page.Contains("did not keep the schedule in 2 of 2 rows", StringComparison.Ordinal));
        Assert.False(Assert.Single(benchmark.RunLatencyBenchmark(OneCase)).LateArrivals);
    }

    [Fact]
    public void SaveResults_WhenThereAreResults_WritesThemWithTheirNames()
    {
        using var folder = new TemporaryDirectory();
        DynamicMoEBenchmark benchmark = Scripted(_ => 1, experts: 1, folder: folder["new"]);
        Assert.Throws<ProfilingException>(() => benchmark.SaveResults());
        Assert.False(Directory.Exists(folder["new"]));
        BenchmarkResult result = Assert.Single(benchmark.RunLatencyBenchmark(OneCase));

        string path = benchmark.SaveResults();

        Assert.Equal(Path.Combine(folder["new"], "benchmark_20241004-000000.json"), path);
        Assert.Equal(Path.Combine(folder["new"], "mine.json"), benchmark.SaveResults("mine.json"));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal(["machine", "results"], json.RootElement.EnumerateObject().Select(property => property.Name));
        JsonElement saved = Assert.Single(json.RootElement.GetProperty("results").EnumerateArray());
        Assert.Equal(result.ToDictionary().Keys, saved.EnumerateObject().Select(property => property.Name));
        Assert.Equal(result.Metrics, saved.GetProperty("metrics").EnumerateObject().ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble()));
        Assert.Equal(
            result.Parameters.Select(pair => (pair.Key, pair.Value.ToString())),
            saved.GetProperty("parameters").EnumerateObject().Select(parameter => (parameter.Name, (string?)parameter.Value.ToString())));
    }

    [Fact]
    public void GenerateReport_WhenEveryBenchmarkRan_HasTheirTablesAndCharts()
    {
        using var folder = new TemporaryDirectory();
        DynamicMoEBenchmark benchmark = Scripted(
            call => 1 + (call % 3), experts: 2, options => options.Charts = new TextCharts(), folder["report"]);
        Assert.Throws<ProfilingException>(() => benchmark.GenerateReport());
        benchmark.RunLatencyBenchmark(OneCase);
        benchmark.RunThroughputBenchmark(OneCase, [1]);
        benchmark.RunScalingBenchmark(OneCase);

        string page = benchmark.GenerateReport();

        Assert.StartsWith("# Benchmark of routing: one\n", page, StringComparison.Ordinal);
        Assert.Contains("| 2 x 5 | 4 | 8 | 1..4 | 2 | 2 [2, 2] | 3 [3, 3] | 3 | 3 | 5,000 | 100 |", page, StringComparison.Ordinal);
        Assert.Contains("| 2 x 5 | 4 | 8 | 1..4 | 1 | 0.5 | 497.5 |", page, StringComparison.Ordinal);
        Assert.Contains("| 2 x 5 | 4 | 8 | 1..4 | base | 1 |", page, StringComparison.Ordinal);
        Assert.Equal(["latency", "throughput", "scaling"], benchmark.GetCharts().Select(chart => chart.Name));
        foreach (string name in (string[])["latency", "throughput", "scaling"])
        {
            Assert.Contains($"![{name}]({name}.txt)", page, StringComparison.Ordinal);
            Assert.Equal(name, File.ReadAllText(Path.Combine(folder["report"], $"{name}.txt")));
        }
    }

    [Fact]
    public void Latency_WhenTheRouterIsTheDefault_RunsIt()
    {
        var config = new BenchmarkConfig { Name = "real", NumRuns = 8, WarmupRuns = 1, BatchSizes = [1], SequenceLengths = [4], HiddenDims = [16] };

        BenchmarkResult result = Assert.Single(new DynamicMoEBenchmark().RunLatencyBenchmark(config));

        Assert.True(result.Metrics[M.MinLatency] > 0);
        Assert.InRange(result.Metrics[M.MeanExpertsPerToken], 1, 4);
        Assert.InRange(result.Metrics[M.P50Latency], result.Metrics[M.P50LatencyLow], result.Metrics[M.P50LatencyHigh]);
    }

    private static void AssertMetrics(Dictionary<string, double> expected, BenchmarkResult result)
    {
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), result.Metrics.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, double value) in expected)
        {
            Assert.True(Math.Abs(value - result.Metrics[name]) <= 1e-9 * Math.Abs(value) + 1e-9, $"{name}: {result.Metrics[name]}, expected {value}");
        }
    }

    private static IEnumerable<string> Constants(Type names) => names
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (string)field.GetRawConstantValue()!)
        .Order(StringComparer.Ordinal);

    private DynamicMoEBenchmark Scripted(Func<int, double> milliseconds, int experts, Action<BenchmarkOptions>? configure = null, string folder = "unused") =>
        Benchmark(work => new ScriptedRouter(work, _clock, experts, milliseconds), configure, folder);

    private DynamicMoEBenchmark Benchmark(Func<BenchmarkCase, ScriptedRouter> make, Action<BenchmarkOptions>? configure = null, string folder = "unused")
    {
        var options = new BenchmarkOptions
        {
            TimeProvider = _clock,
            Progress = new ListProgress(_progress),
            RouterFactory = work =>
            {
                _routers.Add(make(work));
                return _routers[^1];
            },
        };
        configure?.Invoke(options);
        return new DynamicMoEBenchmark(folder, options);
    }

    private sealed class ListProgress(List<BenchmarkProgress> steps) : IProgress<BenchmarkProgress>
    {
        public void Report(BenchmarkProgress value) => steps.Add(value);
    }
}
