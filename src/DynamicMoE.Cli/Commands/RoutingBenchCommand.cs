using System.CommandLine;
using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Hosting;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe bench latency|throughput|scaling</c>: routing alone, over a grid of shapes.</summary>
internal static class RoutingBenchCommand
{
    /// <summary>Time of a call.</summary>
    public static Command Latency(ToolConsole console) => Make(
        console, "latency", "Times routing calls, one after the other.", [], (benchmark, config, _, cancel) => benchmark.RunLatencyBenchmark(config, cancel));

    /// <summary>Throughput under arrivals of a fixed rate.</summary>
    public static Command Throughput(ToolConsole console)
    {
        Option<int[]> levels = NumberOptions.Wholes("--concurrency", "Requests that are served at the same time at most. Default: 1,2,4,8.", 1, 1024);
        return Make(
            console,
            "throughput",
            "Serves requests that arrive at shares of the capacity, whether or not earlier ones are done; times count from the intended arrival.",
            [levels],
            (benchmark, config, parsed, cancel) => benchmark.RunThroughputBenchmark(config, NumberOptions.Given(parsed, levels), cancel),
            NumberOptions.Reals("--loads", "Arrivals as shares of the capacity.", 0.01, 10, [.. new BenchmarkOptions().Loads]));
    }

    /// <summary>What threads gain.</summary>
    public static Command Scaling(ToolConsole console) => Make(
        console, "scaling", "Times routing calls with 1, 2, 4... threads and with the autoscaler, in turns.", [], (benchmark, config, _, cancel) => benchmark.RunScalingBenchmark(config, cancel));

    private static Command Make(
        ToolConsole console,
        string name,
        string description,
        Option[] own,
        Func<DynamicMoEBenchmark, BenchmarkConfig, ParseResult, CancellationToken, IReadOnlyList<BenchmarkResult>> run,
        Option<double[]>? loads = null)
    {
        var command = new Command(name, description);
        var grid = new BenchGridOptions(command);
        Option<int> seed = NumberOptions.Whole("--seed", "Seed of gate, inputs and arrivals.", 0, int.MaxValue, 1);
        Option<int>? threads = name == BenchmarkKinds.Scaling ? null : SharedOptions.Threads();
        Option<string?> folder = SharedOptions.Folder($"Folder for {name}.json, {name}.md and charts.");
        Option<bool> json = SharedOptions.Json();
        foreach (Option? option in (Option?[])[.. own, loads, threads, seed, folder, json])
        {
            if (option is not null)
            {
                command.Add(option);
            }
        }

        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                var options = new BenchmarkOptions
                {
                    Seed = (ulong)parsed.GetValue(seed),
                    Threads = threads is null ? 0 : parsed.GetValue(threads),
                };
                if (name == "scaling")
                {
                    options.Optimizations = [new RouterOptimization("optimized", router => router.Optimize())];
                }

                if (loads is not null)
                {
                    options.Loads = parsed.GetValue(loads)!;
                }

                DynamicMoESettings? settings = grid.Settings(parsed);
                BenchmarkConfig config = grid.Config(parsed, name, settings);
                string? into = parsed.GetValue(folder) ?? settings?.Benchmarking.OutputDir;
                RoutingBench.Run(console, name, options, into, parsed.GetValue(json), benchmark => run(benchmark, config, parsed, cancel));
                return ExitCodes.Ok;
            },
            cancel));
        return command;
    }
}
