using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

/// <summary>Records, their replay and their comparison, on the checkpoint that comes with the tool.</summary>
public sealed class RecordTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public RecordTests()
    {
        using Stream text = typeof(Tool).Assembly.GetManifestResourceStream("fallback.txt")!;
        using FileStream file = File.Create(_directory["text"]);
        text.CopyTo(file);
    }

    [Fact]
    public async Task Eval_WhenReplayed_GivesTheSameFiguresAndTheSameRecord()
    {
        JsonElement first = await EvalAsync("--record", _directory["a"], "--budgets", "1.5");

        // Other budgets would route otherwise; the record overrules them.
        JsonElement again = await EvalAsync("--replay", _directory["a"], "--record", _directory["b"], "--budgets", "1.25");

        Assert.Equal(Figures(first), Figures(again));
        Assert.Equal(await File.ReadAllBytesAsync(_directory["a"]), await File.ReadAllBytesAsync(_directory["b"]));
        ToolRun diff = await ToolRun.Of("diff", _directory["a"], _directory["b"]);
        Assert.Equal((ExitCodes.Ok, ""), (diff.ExitCode, diff.Error));
        Assert.EndsWith("the runs are the same, bit for bit\n", diff.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diff_WhenBudgetsDiffer_ShowsWhereTheRunsPart()
    {
        await EvalAsync("--row", "static top-2", "--record", _directory["a"]);
        await EvalAsync("--row", "static top-1", "--record", _directory["b"]);

        ToolRun run = await ToolRun.Of("diff", _directory["a"], _directory["b"], "--json");
        ToolRun text = await ToolRun.Of("diff", _directory["a"], _directory["b"]);

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement root = json.RootElement;
        Assert.False(root.GetProperty("identical").GetBoolean());
        JsonElement at = root.GetProperty("first_experts");
        Assert.Equal((0, 0, 0), (at.GetProperty("token").GetInt64(), at.GetProperty("position").GetInt32(), at.GetProperty("layer").GetInt32()));
        Assert.Equal((2, 1), (at.GetProperty("first_experts").GetArrayLength(), at.GetProperty("second_experts").GetArrayLength()));
        long tokens = root.GetProperty("tokens").GetInt64();
        JsonElement layer = root.GetProperty("layers")[0];
        Assert.Equal((tokens, 2 * tokens, tokens), (
            layer.GetProperty("experts_differ").GetInt64(), layer.GetProperty("first_routes").GetInt64(), layer.GetProperty("second_routes").GetInt64()));
        Assert.Contains("experts part at token 0 (position 0, id ", text.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_WhenReplayedInAnotherFormat_IsRefusedUnlessAskedFor()
    {
        string[] arguments = ["generate", "--prompt", "Gets the ", "--temperature", "0", "--max-tokens", "20"];
        ToolRun recorded = await ToolRun.Of([.. arguments, "--record", _directory["a"]]);
        ToolRun replayed = await ToolRun.Of([.. arguments, "--static", "--replay", _directory["a"]]);
        ToolRun refused = await ToolRun.Of([.. arguments, "--format", "bf16", "--replay", _directory["a"]]);
        ToolRun warned = await ToolRun.Of(["generate", "--prompt", "Gets the ", "--temperature", "0", "--max-tokens", "1", "--format", "bf16", "--replay", _directory["a"], "--replay-anyway"]);

        Assert.Equal((ExitCodes.Ok, recorded.Out), (replayed.ExitCode, replayed.Out));
        Assert.Equal((ExitCodes.Failure, ""), (refused.ExitCode, refused.Out));
        Assert.Matches("^dmoe: [^\n]*weight format Float32, not BFloat16[^\n]*\n$", refused.Error);
        Assert.Equal(ExitCodes.Ok, warned.ExitCode);
        Assert.Matches("^dmoe: warning: [^\n]*weight format Float32, not BFloat16[^\n]*\n$", warned.Error);
    }

    [Fact]
    public async Task Record_WhenTheFileExists_IsReplacedOnRequestOnly()
    {
        await File.WriteAllTextAsync(_directory["a"], "mine");
        string[] arguments = ["generate", "--prompt", "a", "--max-tokens", "1", "--record", _directory["a"]];

        (await ToolRun.Of(arguments)).RequireFailure(ExitCodes.Failure, $"--record '{_directory["a"]}' exists; --force replaces it");
        Assert.Equal("mine", await File.ReadAllTextAsync(_directory["a"]));
        Assert.Equal(ExitCodes.Ok, (await ToolRun.Of([.. arguments, "--force"])).ExitCode);
        Assert.NotEqual("mine", await File.ReadAllTextAsync(_directory["a"]));
    }

    [Fact]
    public async Task Replay_WhenTheFileIsDamaged_IsOneLineThatNamesTheOffset()
    {
        string[] arguments = ["generate", "--prompt", "a", "--max-tokens", "3"];
        Assert.Equal(ExitCodes.Ok, (await ToolRun.Of([.. arguments, "--record", _directory["a"]])).ExitCode);
        byte[] bytes = await File.ReadAllBytesAsync(_directory["a"]);
        bytes[20] ^= 1;
        await File.WriteAllBytesAsync(_directory["a"], bytes);

        ToolRun run = await ToolRun.Of([.. arguments, "--replay", _directory["a"]]);

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.Matches("^dmoe: [^\n]*byte 16: the header is damaged[^\n]*\n$", run.Error);
        (await ToolRun.Of("diff", _directory["a"], "no/such")).RequireFailure(ExitCodes.Failure, "'no/such' is not a file");
    }

    [Theory]
    [InlineData("eval")]
    [InlineData("generate")]
    public async Task Replay_WhenThereIsNoFile_IsSaidBeforeTheModelIsLoaded(string command)
    {
        string[] prompt = command == "generate" ? ["--prompt", "a"] : [];

        (await ToolRun.Of([command, .. prompt, "--model", "no/model", "--replay", "no/such"])).RequireFailure(
            ExitCodes.Failure, "--replay 'no/such' is not a file");
    }

    [Fact]
    public async Task Row_WhenNoneHasTheName_NamesAll() =>
        (await ToolRun.Of("eval", "--row", "x", "--budgets", "1.5", "--text", _directory["text"])).RequireFailure(
            ExitCodes.Failure, "--row 'x' is not one of 'static top-2', 'static top-1', 'dynamic 1.5'");

    public void Dispose() => _directory.Dispose();

    private async Task<JsonElement> EvalAsync(params string[] arguments)
    {
        ToolRun run = await ToolRun.Of(["eval", "--text", _directory["text"], "--max-bytes", "2048", "--json", .. arguments]);
        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return json.RootElement.GetProperty("rows").Clone();
    }

    private static List<(double, double, double)> Figures(JsonElement rows) => [.. rows.EnumerateArray().Select(row => (
        row.GetProperty("bits_per_byte").GetDouble(),
        row.GetProperty("mean_experts_per_token").GetDouble(),
        row.GetProperty("distinct_experts_per_batch").GetDouble()))];
}
