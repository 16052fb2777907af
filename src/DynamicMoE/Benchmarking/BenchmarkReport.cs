using System.Globalization;
using P = DynamicMoE.BenchmarkParameters;
using M = DynamicMoE.BenchmarkMetrics;

namespace DynamicMoE;

/// <summary>The page of a <see cref="DynamicMoEBenchmark"/>.</summary>
internal sealed class BenchmarkReport(IReadOnlyList<BenchmarkResult> results, BenchmarkMachine machine, IReadOnlyList<string> charts)
{
    private static readonly string[] CaseColumns = ["batch x tokens", "hidden", "experts", "per token"];

    private readonly MarkdownPage _page = new();

    internal string Text()
    {
        _page.Line($"# Benchmark of routing: {string.Join(", ", results.Select(result => result.ConfigName).Distinct())}").Line();
        _page.Line($"{machine.Cpu}, {machine.LogicalCpus} logical processors, {machine.PoolThreads} threads of the native pool, {machine.Isa}, library {machine.LibraryVersion}.").Line();
        _page.Line("Times are in ms. Percentiles are nearest-rank. Brackets are distribution-free 95 % confidence intervals: two order statistics, by the binomial "
            + "distribution, where the sample is large enough for one (median 6 values, p95 72, p99 368). They suppose independent values; times of requests that "
            + "queue behind each other are not, so that their intervals are too narrow.").Line();
        foreach (string chart in charts)
        {
            _page.Line($"![{Path.GetFileNameWithoutExtension(chart)}]({chart})").Line();
        }

        Section(BenchmarkKinds.Latency, Latency);
        Section(BenchmarkKinds.Throughput, Throughput);
        Section(BenchmarkKinds.Scaling, Scaling);
        return _page.ToString();
    }

    private void Section(string kind, Action<IReadOnlyList<BenchmarkResult>> write)
    {
        BenchmarkResult[] own = [.. results.Where(result => Equals(result.Parameters[P.Benchmark], kind))];
        if (own.Length > 0)
        {
            write(own);
            _page.Line();
        }
    }

    private void Latency(IReadOnlyList<BenchmarkResult> rows)
    {
        _page.Line("## Latency").Line();
        _page.Line("One caller, one call after the other.").Line();
        _page.Header([.. CaseColumns, "experts/token", "median", "p95", "p99", "max", "tokens/s", "runs"]);
        foreach (BenchmarkResult row in rows)
        {
            _page.Row([
                .. Case(row), Number(row, M.MeanExpertsPerToken), Times(row, M.P50Latency, M.P50LatencyLow, M.P50LatencyHigh),
                Times(row, M.P95Latency, M.P95LatencyLow, M.P95LatencyHigh), Times(row, M.P99Latency, M.P99LatencyLow, M.P99LatencyHigh),
                Number(row, M.MaxLatency), Number(row, M.TokensPerSecond), Number(row, M.Runs),
            ]);
        }
    }

    private void Throughput(IReadOnlyList<BenchmarkResult> rows)
    {
        _page.Line("## Throughput").Line();
        _page.Line("Requests arrive as a Poisson process at a share of the capacity, whether or not earlier ones are done; times count from the intended arrival to the "
            + "end. Capacity: requests per second of so many callers that are never without work. Where fewer were served than arrived, the queue grew while the run lasted. "
            + "Lag: from when a request had arrived and a caller was free to its start.").Line();
        _page.Header([.. CaseColumns, "at a time", "load", "capacity/s", "arrived/s", "served/s", "median", "p95", "p99", "p95 of the wait", "median service", "p99 of the lag", "requests"]);
        foreach (BenchmarkResult row in rows)
        {
            _page.Row([
                .. Case(row), Text(row, P.ConcurrentRequests), Text(row, P.Load), Number(row, M.CapacityPerSecond), Number(row, M.OfferedPerSecond),
                Number(row, M.AchievedPerSecond), Times(row, M.P50Latency, M.P50LatencyLow, M.P50LatencyHigh),
                Times(row, M.P95Latency, M.P95LatencyLow, M.P95LatencyHigh), Times(row, M.P99Latency, M.P99LatencyLow, M.P99LatencyHigh),
                Number(row, M.P95Wait), Number(row, M.P50Service), $"{Number(row, M.P99ArrivalLag)}{(row.LateArrivals ? " late" : "")}", Number(row, M.Runs),
            ]);
        }

        int late = rows.Count(row => row.LateArrivals);
        if (late > 0)
        {
            _page.Line().Line($"The machine did not keep the schedule in {late} of {rows.Count} rows, marked late: the 99th percentile of the lag is above a tenth of the median, so that "
                + "their times are the machine's more than the router's. Run again with the processors free.");
        }
    }

    private void Scaling(IReadOnlyList<BenchmarkResult> rows)
    {
        _page.Line("## Scaling").Line();
        _page.Line("Speedup: time of the base variant with one thread over the variant's, median of the quotients of calls in the same turn. Efficiency: speedup over threads.").Line();
        _page.Header([.. CaseColumns, "variant", "threads", "median", "tokens/s", "speedup", "efficiency", "runs"]);
        foreach (BenchmarkResult row in rows)
        {
            _page.Row([
                .. Case(row), Text(row, P.Variant), Text(row, P.Threads), Times(row, M.P50Latency, M.P50LatencyLow, M.P50LatencyHigh),
                Number(row, M.TokensPerSecond), Times(row, M.Speedup, M.SpeedupLow, M.SpeedupHigh), Number(row, M.ParallelEfficiency), Number(row, M.Runs),
            ]);
        }
    }

    private static string[] Case(BenchmarkResult row) =>
        [$"{Text(row, P.BatchSize)} x {Text(row, P.SequenceLength)}", Text(row, P.HiddenDim), Text(row, P.NumExperts), $"{Text(row, P.MinExperts)}..{Text(row, P.MaxExperts)}"];

    private static string Text(BenchmarkResult row, string name) => Convert.ToString(row.Parameters[name], CultureInfo.InvariantCulture)!;

    private static string Number(BenchmarkResult row, string name) => MarkdownPage.Number(row.Metrics[name]);

    private static string Times(BenchmarkResult row, string name, string low, string high) =>
        MarkdownPage.WithInterval(row.Metrics[name], Find(row, low), Find(row, high));

    private static double? Find(BenchmarkResult row, string name) => row.Metrics.TryGetValue(name, out double value) ? value : null;
}
