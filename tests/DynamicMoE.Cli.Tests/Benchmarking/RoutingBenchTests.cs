using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class RoutingBenchTests
{
    private const string Tiny = "--runs 8 --warmup 1 --batch-sizes 1,2 --sequence-lengths 3 --hidden-dims 8 --experts 4 --max-experts 2";

    [Theory]
    [InlineData("latency", "", "experts/token", 2)]
    [InlineData("throughput", " --concurrency 1,2 --loads 0.5", "served/s", 4)]
    [InlineData("scaling", "", "speedup", 2)]
    public async Task Bench_WhenPiped_WritesATableAndLinesOfProgress(string kind, string more, string header, int rows)
    {
        ToolRun run = await ToolRun.Of($"bench {kind} {Tiny}{more}".Split(' '));

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        string[] lines = run.Out.Split('\n');
        Assert.Contains("batch x tokens", lines[0], StringComparison.Ordinal);
        Assert.Contains(header, lines[0], StringComparison.Ordinal);
        Assert.True(lines.Count(line => line.StartsWith("1 x 3", StringComparison.Ordinal) || line.StartsWith("2 x 3", StringComparison.Ordinal)) >= rows);
        Assert.StartsWith($"{kind} 1/", run.Error, StringComparison.Ordinal);
        Assert.Contains(": batch 1 x 3 tokens, hidden 8, 1..2 of 4 experts", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_WhenAFolderIsGiven_WritesDataPageAndChart()
    {
        using var folder = new TemporaryDirectory();

        ToolRun run = await ToolRun.Of([.. $"bench latency {Tiny} --json --seed 7 --threads 1 --out".Split(' '), folder["new"]]);

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Equal(["latency.json", "latency.md", "latency.png"], Directory.GetFiles(folder["new"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.Equal(run.Out, File.ReadAllText(Path.Combine(folder["new"], "latency.json")));
        Assert.Contains("![latency](latency.png)", File.ReadAllText(Path.Combine(folder["new"], "latency.md")), StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement result = json.RootElement.GetProperty("results")[1];
        Assert.Equal("latency", result.GetProperty("config_name").GetString());
        Assert.Equal((2, 3, 1), (Parameter(result, "batch_size"), Parameter(result, "sequence_length"), Parameter(result, "threads")));
        Assert.Equal(8, result.GetProperty("metrics").GetProperty("runs").GetInt32());
    }

    [Fact]
    public async Task Bench_WhenSettingsAreGiven_RunsTheirBenchmarkingSectionAndOptionsWin()
    {
        using var folder = new TemporaryDirectory();
        File.WriteAllText(folder["settings.yaml"], $$"""
            router: {input_dim: 16, num_experts: 4, min_experts: 2}
            benchmarking: {num_runs: 7, warmup_runs: 0, batch_sizes: [1, 3], sequence_lengths: [2], max_experts_list: [2, 3], output_dir: '{{folder["results"]}}'}
            """);

        ToolRun run = await ToolRun.Of("bench", "latency", "--config", folder["settings.yaml"], "--sequence-lengths", "5", "--json");

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Equal(run.Out, File.ReadAllText(Path.Combine(folder["results"], "latency.json")));
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement[] results = [.. json.RootElement.GetProperty("results").EnumerateArray()];
        Assert.Equal(
            [(16, 4, 2, 2, 1, 5), (16, 4, 2, 2, 3, 5), (16, 4, 2, 3, 1, 5), (16, 4, 2, 3, 3, 5)],
            results.Select(result => (
                Parameter(result, "hidden_dim"), Parameter(result, "num_experts"), Parameter(result, "min_experts"), Parameter(result, "max_experts"),
                Parameter(result, "batch_size"), Parameter(result, "sequence_length"))));
        Assert.All(results, result => Assert.Equal(7, result.GetProperty("metrics").GetProperty("runs").GetInt32()));
    }

    [Fact]
    public async Task Bench_WhenSettingsAreWrong_NamesFileLineAndRange()
    {
        using var folder = new TemporaryDirectory();
        File.WriteAllText(folder["settings.yaml"], "benchmarking: {num_runs: 0}");

        ToolRun run = await ToolRun.Of("bench", "latency", "--config", folder["settings.yaml"]);

        Assert.Equal(ExitCodes.Failure, run.ExitCode);
        Assert.Contains("settings.yaml:1:26", run.Error, StringComparison.Ordinal);
        Assert.Matches("benchmarking.num_runs is .0., must be a whole number in 1..1000000", run.Error);
    }

    [Theory]
    [InlineData("latency --batch-sizes 1,x", "--batch-sizes 'x' is not a whole number in 1..16777216")]
    [InlineData("latency --concurrency 1", "'--concurrency' is not a command or option of latency")]
    [InlineData("latency --runs 0", "--runs '0' is not a whole number in 1..10000000")]
    [InlineData("throughput --loads 0", "--loads '0' is not a number in 0.01..10")]
    [InlineData("throughput --concurrency 0", "--concurrency '0' is not a whole number in 1..1024")]
    [InlineData("scaling --threads 2", "'--threads' is not a command or option of scaling")]
    public async Task Bench_WhenTheCommandLineIsWrong_NamesValueAndRange(string line, string message) =>
        (await ToolRun.Of(["bench", .. line.Split(' ')])).RequireFailure(ExitCodes.Usage, $"{message} (see dmoe --help)");

    [Fact]
    public async Task Bench_WhenNoCombinationIsPossible_SaysSo() =>
        (await ToolRun.Of("bench", "latency", "--experts", "2", "--min-experts", "3")).RequireFailure(
            ExitCodes.Failure, "BenchmarkConfig: no combination has MinExperts <= MaxExperts <= number of experts.");

    private static int Parameter(JsonElement result, string name) => result.GetProperty("parameters").GetProperty(name).GetInt32();
}
