using P = DynamicMoE.BenchmarkParameters;
using M = DynamicMoE.BenchmarkMetrics;

namespace DynamicMoE;

/// <summary>The charts of a <see cref="DynamicMoEBenchmark"/>.</summary>
internal static class BenchmarkCharts
{
    internal static IReadOnlyList<Chart> Of(IReadOnlyList<BenchmarkResult> results)
    {
        BenchmarkResult[] latency = Of(results, BenchmarkKinds.Latency), throughput = Of(results, BenchmarkKinds.Throughput);
        BenchmarkResult[] scaling = Of(results, BenchmarkKinds.Scaling);
        return
        [
            .. latency.Length == 0 ? [] : Latency(latency),
            .. throughput.Length == 0 ? [] : Throughput(throughput),
            .. scaling.Length == 0 ? [] : Scaling(scaling),
        ];
    }

    // Lines of median and p95 for each router, over tokens of a call.
    private static Chart[] Latency(BenchmarkResult[] rows) =>
    [
        new Chart
        {
            Name = "latency",
            Title = "Time of a routing call",
            XLabel = "tokens of a call",
            YLabel = "ms",
            LogX = true,
            LogY = true,
            Series =
            [
                .. from router in rows.OrderBy(Tokens).GroupBy(Router)
                   from line in (ChartSeries[])
                   [
                       Line($"{router.Key}, median", router, Tokens, M.P50Latency, M.P50LatencyLow, M.P50LatencyHigh),
                       Line($"{router.Key}, p95", router, Tokens, M.P95Latency, M.P95LatencyLow, M.P95LatencyHigh),
                   ]
                   select line,
            ],
        },
    ];

    // For each combination and concurrency a line over the loads.
    private static Chart[] Throughput(BenchmarkResult[] rows) =>
    [
        new Chart
        {
            Name = "throughput",
            Title = "Requests from their intended arrival to their end",
            XLabel = "requests served per second",
            YLabel = "p95, ms",
            LogX = true,
            LogY = true,
            Series =
            [
                .. rows.GroupBy(row => $"{Batch(row)}, {Router(row)}, {Text(row, P.ConcurrentRequests)} at a time")
                    .Select(group => Line(group.Key, group, row => row.Metrics[M.AchievedPerSecond], M.P95Latency, M.P95LatencyLow, M.P95LatencyHigh)),
            ],
        },
    ];

    private static Chart[] Scaling(BenchmarkResult[] rows)
    {
        string[] groups = [.. rows.Select(row => $"{Batch(row)}, {Router(row)}").Distinct()];
        return
        [
            new Chart
            {
                Name = "scaling",
                Title = "Speedup over the router as it is with one thread",
                XLabel = "combination",
                YLabel = "speedup",
                Groups = groups,
                Series =
                [
                    .. rows.GroupBy(row => $"{Text(row, P.Variant)}, threads: {Text(row, P.Threads)}").Select(variant => Line(
                        variant.Key, variant, row => Array.IndexOf(groups, $"{Batch(row)}, {Router(row)}"), M.Speedup, M.SpeedupLow, M.SpeedupHigh)),
                ],
            },
        ];
    }

    private static ChartSeries Line(
        string name, IEnumerable<BenchmarkResult> rows, Func<BenchmarkResult, double> x, string y, string low, string high)
    {
        BenchmarkResult[] points = [.. rows];
        return new ChartSeries(name, [.. points.Select(x)], [.. points.Select(row => row.Metrics[y])])
        {
            Low = [.. points.Select(row => row.Metrics.GetValueOrDefault(low, double.NaN))],
            High = [.. points.Select(row => row.Metrics.GetValueOrDefault(high, double.NaN))],
        };
    }

    private static BenchmarkResult[] Of(IReadOnlyList<BenchmarkResult> results, string kind) =>
        [.. results.Where(result => Equals(result.Parameters[P.Benchmark], kind))];

    private static double Tokens(BenchmarkResult row) => (double)(int)row.Parameters[P.BatchSize] * (int)row.Parameters[P.SequenceLength];

    private static string Batch(BenchmarkResult row) => $"{Text(row, P.BatchSize)}x{Text(row, P.SequenceLength)}";

    private static string Router(BenchmarkResult row) =>
        $"{Text(row, P.HiddenDim)}d {Text(row, P.MinExperts)}-{Text(row, P.MaxExperts)}/{Text(row, P.NumExperts)}";

    private static string Text(BenchmarkResult row, string name) => FormattableString.Invariant($"{row.Parameters[name]}");
}
