using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class ProfileCommandTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>, IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    private string[] Common => ["--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--tokens", "6", "--repetitions", "6", "--no-limits"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Profile_WhenStatic_CountsWhatTheModelCounts()
    {
        ToolRun run = await ToolRun.Of(["profile", .. Common, "--static", "--json", "--out", _folder["new"]]);

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement root = json.RootElement;
        Assert.Equal(["model", "machine", "limits", "routing", "summary", "profiles"], Names(root));
        Assert.Equal(
            ["name", "family", "moe_layers", "hidden", "experts", "trained_experts", "format", "text", "tokens", "batches"], Names(root.GetProperty("model")));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("limits").ValueKind);
        int trained = root.GetProperty("model").GetProperty("trained_experts").GetInt32();
        Assert.Equal($"static top-{trained}", root.GetProperty("routing").GetString());
        JsonElement layer = root.GetProperty("profiles")[1];
        Assert.Equal(("layer", 6 * trained, 0), (layer.GetProperty("kind").GetString(), layer.GetProperty("routes").GetInt32(), layer.GetProperty("flops_saving").GetDouble()));
        Assert.Equal(
            ["estimator", "gate", "selection", "experts", "combine"], layer.GetProperty("components").EnumerateArray().Select(part => part.GetProperty("component").GetString()));
        Assert.Equal(
            ["experts.png", "flops.png", "profile.json", "profile.md"], Directory.GetFiles(_folder["new"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.Equal(run.Out, File.ReadAllText(Path.Combine(_folder["new"], "profile.json")));
    }

    [Fact]
    public async Task Profile_WhenDynamic_WritesTablesOfLayersAndParts()
    {
        ToolRun run = await ToolRun.Of(["profile", .. Common, "--budget", "1.5"]);

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Contains("; 1 x 6 tokens of", run.Out, StringComparison.Ordinal);
        Assert.Contains("; dynamic 1.5\n", run.Out, StringComparison.Ordinal);
        Assert.Contains("\nlayer.0", run.Out, StringComparison.Ordinal);
        Assert.Contains("\ncombine", run.Out, StringComparison.Ordinal);
        Assert.StartsWith("profile 1/", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compare_WhenRun_HoldsTheBudgetsAgainstTheTrainedRule()
    {
        ToolRun run = await ToolRun.Of(["compare", .. Common, "--budgets", "1.5,1.25", "--batches", "8", "--json", "--out", _folder["new"]]);

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        Assert.Equal(["model", "machine", "limits", "totals", "results"], Names(json.RootElement));
        JsonElement[] totals = [.. json.RootElement.GetProperty("totals").EnumerateArray()];
        Assert.Equal(["static top-2", "dynamic 1.5", "dynamic 1.25"], totals.Select(total => total.GetProperty("name").GetString()));
        Assert.Equal((2, 0, 0), (totals[0].GetProperty("mean_experts_per_token").GetDouble(), totals[0].GetProperty("flops_saving").GetDouble(), totals[0].GetProperty("mean_output_difference").GetDouble()));
        Assert.InRange(totals[1].GetProperty("mean_experts_per_token").GetDouble(), 1.3, 1.7);
        Assert.True(totals[2].GetProperty("flops_saving").GetDouble() > totals[1].GetProperty("flops_saving").GetDouble());
        Assert.True(totals[2].GetProperty("mean_output_difference").GetDouble() > 0);
        Assert.Equal(
            ["compare.json", "compare.md", "comparison.png", "difference.png"],
            Directory.GetFiles(_folder["new"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Compare_WhenNoBudgetIsGiven_TakesSharesOfTheTrainedNumber()
    {
        ToolRun run = await ToolRun.Of(["compare", .. Common, "--batches", "2"]);

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Contains("\ndynamic 1.5 ", run.Out, StringComparison.Ordinal);
        Assert.Contains("\ndynamic 1.25 ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WhenTheRequestCannotBeMet_SaysWhy()
    {
        (await ToolRun.Of(["profile", .. Common, "--budget", "3"])).RequireFailure(ExitCodes.Failure, "--budget 3 is outside 1..2, the trained number");
        (await ToolRun.Of(["compare", .. Common, "--budgets", "1.5,4"])).RequireFailure(ExitCodes.Failure, "--budgets 4 is outside 1..2, the trained number");
        (await ToolRun.Of(["compare", .. Common, "--batches", "100"])).RequireFailure(
            ExitCodes.Failure, $"{checkpoint.TextPath} has 400 tokens, --tokens 6 times --batches 100 needs 600");
    }

    [Theory]
    [InlineData("profile --budget 1.5 --static", "--budget and --static exclude each other")]
    [InlineData("profile --batches 2", "'--batches' is not a command or option of profile")]
    [InlineData("compare --budgets 0.5", "--budgets '0.5' is not a number in 1..64")]
    [InlineData("compare --tokens 0", "--tokens '0' is not a whole number in 1..4096")]
    public async Task Run_WhenTheCommandLineIsWrong_NamesValueAndRange(string line, string message) =>
        (await ToolRun.Of(line.Split(' '))).RequireFailure(ExitCodes.Usage, $"{message} (see dmoe --help)");

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
}
