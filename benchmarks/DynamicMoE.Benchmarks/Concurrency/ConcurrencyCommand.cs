using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DynamicMoE.Cli.Models;

namespace DynamicMoE.Benchmarks.Concurrency;

/// <summary>What do many threads that call one layer get, beside the best that one caller can do?</summary>
internal static class ConcurrencyCommand
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static int Run(string[] args)
    {
        var shape = new Option<string>("--shape") { Description = "Layer size", DefaultValueFactory = _ => "O" };
        shape.AcceptOnlyFromAmong([.. LayerShape.All.Select(s => s.Name)]);
        var format = new Option<string>("--format") { Description = "Format of the weights", DefaultValueFactory = _ => "bf16" };
        format.AcceptOnlyFromAmong([.. WeightFormats.Names]);
        var tokens = new Option<int>("--tokens") { Description = "Tokens of a call", DefaultValueFactory = _ => 1 };
        var callers = new Option<int[]>("--callers")
        {
            Description = "Threads that call at once", DefaultValueFactory = _ => [2, 4, 8, 32], AllowMultipleArgumentsPerToken = true,
        };
        var seconds = new Option<double>("--seconds") { Description = "Time of each schedule and round", DefaultValueFactory = _ => 1 };
        var rounds = new Option<int>("--rounds") { Description = "Times that all schedules run, one after the other", DefaultValueFactory = _ => 3 };
        var json = new Option<bool>("--json") { Description = "Writes JSON instead of a table" };
        var root = new RootCommand("Throughput and latency of many callers") { shape, format, tokens, callers, seconds, rounds, json };
        root.SetAction(parsed =>
        {
            var plan = new SchedulePlan(
                LayerShape.Named(parsed.GetValue(shape)!),
                LayerFormats.Named(parsed.GetValue(format)!),
                parsed.GetValue(tokens),
                parsed.GetValue(callers)!,
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                parsed.GetValue(rounds));
            ConcurrencyReport report = plan.Run();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(report, Json));
            }
            else
            {
                Print(report);
            }
        });
        return root.Parse(args).Invoke();
    }

    private static void Print(ConcurrencyReport report)
    {
        string quota = report.CpuQuota?.ToString(CultureInfo.InvariantCulture) ?? "none";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Shape} {report.Format} T={report.Tokens}; {report.Cpu}, {report.LogicalCpus} logical CPUs, quota {quota}, pool {report.PoolThreads}"));
        Console.WriteLine("callers  threads   calls/s   p50 us   p95 us   p99 us   max us  p99/p50  cores  of best single");
        foreach (ScheduleResult row in report.Schedules)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Callers,7}  {(row.Threads == 0 ? "pool" : row.Threads),7}  {row.CallsPerSecond,8:F0} {row.P50Us,8:F1} {row.P95Us,8:F1} {row.P99Us,8:F1} {row.MaxUs,8:F0} {row.P99ToP50,8:F2} {row.CoresUsed,6:F2}  {row.ShareOfBestSingle:P1}"));
        }
    }
}
