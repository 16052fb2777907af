using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class ConfigCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Show_WhenSettingsComeFromEverywhere_PrintsEachWithItsSource()
    {
        string file = Write("router:\n  num_experts: 16\n");

        ToolRun run = await ToolRun.Of("config", "show", "--config", file, "--preset", "small", "--set", "router.tau=0.5", "--set", "benchmarking.batch_sizes=1,2");
        string[] lines = [.. run.Out.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        Assert.Equal("setting value source range", lines[0]);
        Assert.Contains($"router.num_experts 16 {file}:2:16 a whole number in 1..4096, or null", lines);
        Assert.Contains("router.input_dim 512 preset small a whole number in 1..1048576, or null", lines);
        Assert.Contains("router.tau 0.5 command line a number in 0..1", lines);
        Assert.Contains("router.seed 0 default a whole number in 0..18446744073709551615", lines);
        Assert.Contains("benchmarking.batch_sizes [1, 2] command line 1..64 numbers, each a whole number in 1..65536", lines);
        Assert.Contains("router.mean_experts_budget - default a number in 1..4096, or null", lines);
    }

    [Fact]
    public async Task Show_WhenJsonIsAsked_HasEverySettingAsAnObject()
    {
        string file = Write("router:\n  num_experts: 16\n");

        ToolRun run = await ToolRun.Of("config", "show", "--config", file, "--json");
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement[] settings = [.. json.RootElement.GetProperty("settings").EnumerateArray()];
        JsonElement experts = settings.Single(setting => setting.GetProperty("key").GetString() == "router.num_experts");

        Assert.Equal((ExitCodes.Ok, file, "none"), (run.ExitCode, json.RootElement.GetProperty("file").GetString(), json.RootElement.GetProperty("preset").GetString()));
        Assert.True(settings.Length > 40);
        Assert.Equal(("16", "yaml", 2, 16), (
            experts.GetProperty("value").GetString(),
            experts.GetProperty("source").GetProperty("kind").GetString(),
            experts.GetProperty("source").GetProperty("line").GetInt32(),
            experts.GetProperty("source").GetProperty("column").GetInt32()));
        Assert.Equal((JsonValueKind.Null, false), (experts.GetProperty("default").ValueKind, experts.GetProperty("live").GetBoolean()));
    }

    [Fact]
    public async Task Show_WhenSettingsAreWrong_FailsWithOneLine()
    {
        string file = Write("router: {tau: 2}\n");

        (await ToolRun.Of("config", "show", "--config", file)).RequireFailure(ExitCodes.Failure, $"{file}:1:15: router.tau is '2', must be a number in 0..1");
    }

    [Fact]
    public async Task Validate_WhenSettingsAreRight_SaysSo()
    {
        string file = Write("router: {tau: 0.5}\n");

        Assert.Equal(new ToolRun(ExitCodes.Ok, $"valid: {file}, environment and command line\n", ""), await ToolRun.Of("config", "validate", "--config", file));
    }

    [Fact]
    public async Task Validate_WhenSettingsAreWrong_ListsAllAndFails()
    {
        string file = Write("router:\n  tau: 2\n  num_expert: 8\n");

        Assert.Equal(
            new ToolRun(
                ExitCodes.Failure,
                $"{file}:2:8: router.tau is '2', must be a number in 0..1\n"
                + $"{file}:3:3: router.num_expert is not a known key; did you mean router.num_experts?\n"
                + "command line: router.min_experts is 'x', must be a whole number in 1..4096\n"
                + $"3 problems: {file}, environment and command line\n",
                ""),
            await ToolRun.Of("config", "validate", "--config", file, "--set", "router.min_experts=x"));
    }

    [Fact]
    public async Task Validate_WhenJsonIsAsked_HasEveryProblemAsAnObject()
    {
        string file = Path.Combine(_directory.Path, "missing.yaml");

        ToolRun run = await ToolRun.Of("config", "validate", "--config", file, "--set", "router.tau=7", "--json");
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement[] problems = [.. json.RootElement.GetProperty("problems").EnumerateArray()];

        Assert.Equal((ExitCodes.Failure, false), (run.ExitCode, json.RootElement.GetProperty("valid").GetBoolean()));
        Assert.Equal(["the file does not exist", "router.tau is '7', must be a number in 0..1"], problems.Select(problem => problem.GetProperty("message").GetString()));
        Assert.Equal(("command_line", "router.tau", "7", "a number in 0..1"), (
            problems[1].GetProperty("source").GetProperty("kind").GetString(),
            problems[1].GetProperty("key").GetString(),
            problems[1].GetProperty("value").GetString(),
            problems[1].GetProperty("allowed").GetString()));
    }

    // Only in a process of its own are there a folder and an environment for it.
    [Fact]
    public async Task Show_WhenTheFolderHasAConfigFile_ReadsItAndTheEnvironment()
    {
        Write("optimization: {cache_size: 5, max_workers: 6}\n");
        using ChildProcess process = ChildProcess.Tool(
            start =>
            {
                start.WorkingDirectory = _directory.Path;
                start.Environment["DYNAMIC_MOE_CACHE_SIZE"] = "7";
            },
            "config",
            "show");
        string output = await process.OutputAsync();
        await process.ExitAsync();

        Assert.Equal(ExitCodes.Ok, process.ExitCode);
        Assert.Matches("\noptimization.cache_size +7 +environment DYNAMIC_MOE_CACHE_SIZE ", output);
        Assert.Matches("\noptimization.max_workers +6 +config.yaml:1:44 ", output);
    }

    private string Write(string text)
    {
        string path = _directory["config.yaml"];
        File.WriteAllText(path, text);
        return path;
    }
}
