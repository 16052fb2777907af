using System.Globalization;
using DynamicMoE.Cli.Terminal;
using M = DynamicMoE.BenchmarkMetrics;
using P = DynamicMoE.BenchmarkParameters;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>A benchmark of routing for people.</summary>
internal static class RoutingBenchTable
{
    private static readonly string[] CaseHeaders = ["batch\nx tokens", "hidden", "experts"];

    /// <summary>Writes the table of one kind.</summary>
    public static void Write(ToolConsole console, string kind, IReadOnlyList<BenchmarkResult> results)
    {
        (string[] headers, Func<BenchmarkResult, string[]> cells) = kind switch
        {
            BenchmarkKinds.Latency => ((string[])["experts\n/token", "p50 ms", "p95 ms", "p99 ms", "tokens\n/s"], (Func<BenchmarkResult, string[]>)(row =>
                [Number(row, M.MeanExpertsPerToken), .. Percentiles(row), Number(row, M.TokensPerSecond)])),
            BenchmarkKinds.Throughput => (["at a\ntime", "load", "arrived\n/s", "served\n/s", "p50 ms", "p95 ms", "p99 ms"], row =>
                [Text(row, P.ConcurrentRequests), Text(row, P.Load), Number(row, M.OfferedPerSecond), Number(row, M.AchievedPerSecond), .. Percentiles(row)]),
            _ => (["variant", "threads", "p50 ms", "speedup", "efficiency"], row =>
                [Text(row, P.Variant), Text(row, P.Threads), Number(row, M.P50Latency), Number(row, M.Speedup), Number(row, M.ParallelEfficiency)]),
        };
        var table = new TextTable([.. CaseHeaders, .. headers]);
        foreach (BenchmarkResult row in results)
        {
            table.Add([
                $"{Text(row, P.BatchSize)} x {Text(row, P.SequenceLength)}",
                Text(row, P.HiddenDim),
                $"{Text(row, P.MinExperts)}..{Text(row, P.MaxExperts)} of {Text(row, P.NumExperts)}",
                .. cells(row),
            ]);
        }

        table.WriteTo(console);
        console.Out.WriteLine();
        console.Out.WriteLine(kind switch
        {
            BenchmarkKinds.Latency => "One caller, one call after the other. --out has confidence intervals and a chart.",
            BenchmarkKinds.Throughput => "Times count from the intended arrival. --out has confidence intervals and a chart.",
            _ => "Speedup over one thread, median over calls in turns. --out has confidence intervals and a chart.",
        });
        int late = results.Count(row => row.LateArrivals);
        if (late > 0)
        {
            console.Out.WriteLine($"The machine began requests late in {late} of {results.Count} rows, by more than a tenth of p50 at p99: run again with the processors free.");
        }
    }

    private static string[] Percentiles(BenchmarkResult row) => [Number(row, M.P50Latency), Number(row, M.P95Latency), Number(row, M.P99Latency)];

    private static string Number(BenchmarkResult row, string name)
    {
        double value = row.Metrics[name];
        return value.ToString(value >= 1000 ? "#,0" : "G3", CultureInfo.InvariantCulture);
    }

    private static string Text(BenchmarkResult row, string name) => Convert.ToString(row.Parameters[name], CultureInfo.InvariantCulture)!;
}
