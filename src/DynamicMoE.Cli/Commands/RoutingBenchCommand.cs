using System.CommandLine;
using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.Cli.Terminal;

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
        var grid = new GridOptions(command);
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

                BenchmarkConfig config = grid.Config(parsed, name);
                RoutingBench.Run(
                    console, name, options, parsed.GetValue(folder), parsed.GetValue(json), benchmark => run(benchmark, config, parsed, cancel));
                return ExitCodes.Ok;
            },
            cancel));
        return command;
    }

    /// <summary>What is run.</summary>
    private sealed class GridOptions
    {
        private const int MostTokens = 1 << 24, LargestSize = 1 << 20, MostExperts = 4096, MostRuns = 10_000_000;

        private readonly Option<int> _runs = NumberOptions.Whole("--runs", "Timed calls, or requests.", 1, MostRuns, 100);
        private readonly Option<int> _warmup = NumberOptions.Whole("--warmup", "Calls before them.", 0, MostRuns, 10);
        private readonly Option<int[]> _batches = List("--batch-sizes", "Sequences of a call.", MostTokens, BenchmarkConfig.DefaultBatchSizes);
        private readonly Option<int[]> _lengths = List("--sequence-lengths", "Tokens of a sequence.", MostTokens, BenchmarkConfig.DefaultSequenceLengths);
        private readonly Option<int[]> _dims = List("--hidden-dims", "Hidden sizes.", LargestSize, BenchmarkConfig.DefaultHiddenDims);
        private readonly Option<int[]> _experts = List("--experts", "Numbers of experts.", MostExperts, BenchmarkConfig.DefaultNumExperts);
        private readonly Option<int[]> _fewest = List("--min-experts", "Fewest experts per token.", MostExperts, BenchmarkConfig.DefaultMinExperts);
        private readonly Option<int[]> _most = List("--max-experts", "Most experts per token.", MostExperts, BenchmarkConfig.DefaultMaxExperts);

        public GridOptions(Command command)
        {
            foreach (Option option in (Option[])[_runs, _warmup, _batches, _lengths, _dims, _experts, _fewest, _most])
            {
                command.Add(option);
            }
        }

        public BenchmarkConfig Config(ParseResult parsed, string name) => new()
        {
            Name = name,
            NumRuns = parsed.GetValue(_runs),
            WarmupRuns = parsed.GetValue(_warmup),
            BatchSizes = NumberOptions.Given(parsed, _batches),
            SequenceLengths = NumberOptions.Given(parsed, _lengths),
            HiddenDims = NumberOptions.Given(parsed, _dims),
            NumExpertsList = NumberOptions.Given(parsed, _experts),
            MinExpertsList = NumberOptions.Given(parsed, _fewest),
            MaxExpertsList = NumberOptions.Given(parsed, _most),
        };

        private static Option<int[]> List(string name, string description, int maximum, IReadOnlyList<int> values) =>
            NumberOptions.Wholes(name, $"{description} Default: {string.Join(',', values)}.", 1, maximum);
    }
}
