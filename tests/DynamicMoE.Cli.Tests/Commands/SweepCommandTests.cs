using System.Text.Json;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class SweepCommandTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>
{
    [Fact]
    public async Task Run_WhenASweepIsAsked_HasEverySignalAtTheBudget()
    {
        JsonElement report = await SweepAsync("--budgets", "1.5");

        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];
        Assert.Equal(19, rows.Length);
        Assert.Equal(5, report.GetProperty("windows").GetInt32());
        Assert.Equal(64, report.GetProperty("window_tokens").GetInt32());
        Assert.Equal(5 * 63, report.GetProperty("scored_tokens").GetInt64());
        // Of 7 windows the second and the last are left: 64 tokens and 22.
        Assert.Equal((64 + 22, "windows between them"), (report.GetProperty("calibration_tokens").GetInt64(), report.GetProperty("calibration_source").GetString()));
        Assert.Equal(
            ["static top-2", "static top-1", "dynamic 1.5"], report.GetProperty("times").EnumerateArray().Select(time => time.GetProperty("name").GetString()));
        Assert.Equal(0, rows.Single(row => row.GetProperty("name").GetString() == "static top-2").GetProperty("loss").GetDouble());

        // Of random weights a single expert may be no worse: without a gap there is no share to limit.
        string[] share = report.GetProperty("gap").GetProperty("bits_per_byte").GetDouble() > 0 ? ["share_of_gap_upper"] : [];
        Assert.Equal(
            [.. share, "errors_below_random", "moe_time_ratio", "moe_time_ratio"],
            report.GetProperty("bars").EnumerateArray().Select(bar => bar.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Run_WhenWeightsAreRenormalised_SaysSo()
    {
        JsonElement report = await SweepAsync("--budgets", "1.5", "--weighting", "renormalize");

        JsonElement random = report.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("signal").GetString() == "random");
        Assert.Equal("renormalize", random.GetProperty("weighting").GetString());
    }

    [Fact]
    public async Task Run_WhenTheTextIsOneWindow_NamesWhatIsNeeded() =>
        (await ToolRun.Of("eval", "--sweep", "--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--max-bytes", "256", "--window", "512")).RequireFailure(
            ExitCodes.Failure, $"{checkpoint.TextPath} has 1 window of 512 tokens, at least 2 are needed");

    [Fact]
    public async Task Run_WhenTheFolderCannotBeMade_SaysSoBeforeItRuns()
    {
        // The text is missing too: what is said first was looked at first.
        string file = checkpoint.TextPath;
        ToolRun run = await ToolRun.Of("eval", "--sweep", "--text", "no/such", "--out", Path.Combine(file, "report"));

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.StartsWith($"dmoe: --out '{Path.Combine(file, "report")}' is no folder that can be written to", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("eval --out x", "--out needs --sweep")]
    [InlineData("eval --weighting raw", "--weighting needs --sweep")]
    [InlineData("eval --sweep --weighting half", "--weighting 'half' is not one of trained_scale, renormalize, raw")]
    [InlineData("eval --sweep --record x", "--sweep takes no --record")]
    [InlineData("eval --sweep --row x", "--sweep takes no --row")]
    [InlineData("eval --sweep --window 1", "--window '1' is not a whole number in 2..512")]
    [InlineData("eval --sweep --windows 1", "--windows '1' is not a whole number in 2..100000")]
    public async Task Run_WhenTheCommandLineIsWrong_NamesValueAndRange(string line, string message) =>
        (await ToolRun.Of(line.Split(' '))).RequireFailure(ExitCodes.Usage, $"{message} (see dmoe --help)");

    private async Task<JsonElement> SweepAsync(params string[] arguments)
    {
        ToolRun run = await ToolRun.Of(
            ["eval", "--sweep", "--json", "--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--window", "64", "--windows", "5", .. arguments]);
        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return json.RootElement.Clone();
    }
}
