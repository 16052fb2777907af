using DynamicMoE.Cli.Charts;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>One benchmark of routing with its output.</summary>
internal static class RoutingBench
{
    /// <summary>Runs and writes.</summary>
    /// <param name="console">Table or JSON, and progress.</param>
    /// <param name="name">One of <see cref="BenchmarkKinds"/>.</param>
    /// <param name="options">Options, without progress and charts.</param>
    /// <param name="folder">Folder of the report; null = none.</param>
    /// <param name="json">Whether JSON is written in place of the table.</param>
    /// <param name="run">Runs the benchmark.</param>
    public static void Run(
        ToolConsole console, string name, BenchmarkOptions options, string? folder, bool json, Func<DynamicMoEBenchmark, IReadOnlyList<BenchmarkResult>> run)
    {
        DynamicMoEBenchmark benchmark = ProgressDisplay.Run(console, progress =>
        {
            options.Progress = progress;
            options.Charts = new PngCharts();
            var made = new DynamicMoEBenchmark(folder ?? Environment.CurrentDirectory, options);
            run(made);
            return made;
        });
        if (folder is not null)
        {
            benchmark.SaveResults($"{name}.json");
            File.WriteAllText(Path.Combine(folder, $"{name}.md"), benchmark.GenerateReport());
        }

        if (json)
        {
            console.Out.WriteLine(benchmark.ToJson());
        }
        else
        {
            RoutingBenchTable.Write(console, name, benchmark.Results);
        }
    }
}
