using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class CalibrateCommandTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Eval_WhenCalibrated_HoldsTheBudgetFromTheStart()
    {
        using (Stream text = typeof(Tool).Assembly.GetManifestResourceStream("fallback.txt")!)
        using (FileStream file = File.Create(_directory["text"]))
        {
            await text.CopyToAsync(file);
        }

        ToolRun made = await ToolRun.Of("calibrate", "--text", _directory["text"], "--out", _directory["table"], "--max-bytes", "8192", "--json");
        Assert.Equal((ExitCodes.Ok, ""), (made.ExitCode, made.Error));
        using JsonDocument report = JsonDocument.Parse(made.Out);
        Assert.Equal(4, report.RootElement.GetProperty("layers").GetArrayLength());
        Assert.Equal(8192, report.RootElement.GetProperty("tokens").GetInt64());

        ToolRun run = await ToolRun.Of(
            "eval", "--text", _directory["text"], "--max-bytes", "4096", "--budgets", "1.25,1.5", "--calibration", _directory["table"], "--json");
        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        foreach (JsonElement row in json.RootElement.GetProperty("rows").EnumerateArray().Skip(2))
        {
            Assert.Equal(row.GetProperty("budget").GetDouble(), row.GetProperty("mean_experts_per_token").GetDouble(), 0.06);
        }

        Assert.InRange(json.RootElement.GetProperty("text").GetProperty("warmup_bytes").GetInt64(), 1, 8192);
    }

    [Fact]
    public async Task Calibration_WhenItIsOfAnotherModel_IsRefusedByBothHashes()
    {
        string table = await MakeAsync();

        foreach (string[] command in new string[][] { ["eval", "--text", checkpoint.TextPath], ["generate", "--prompt", "abc"] })
        {
            ToolRun run = await ToolRun.Of([.. command, "--calibration", table]);

            Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
            Assert.Matches("^dmoe: The calibration was made with model [0-9a-f]{32}, this is model [0-9a-f]{32}; calibrate this one.\n$", run.Error);
        }
    }

    [Fact]
    public async Task Generate_WhenCalibrated_Runs()
    {
        ToolRun run = await ToolRun.Of(
            "generate", "--model", checkpoint.ModelPath, "--prompt", "abc", "--max-tokens", "5", "--budget", "1.5", "--calibration", await MakeAsync());

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Run_WhenTheRequestIsWrong_IsOneLine()
    {
        string table = await MakeAsync();
        File.WriteAllText(_directory["short"], new string('a', 100));

        (await ToolRun.Of("calibrate", "--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--out", table)).RequireFailure(
            ExitCodes.Failure, $"--out '{table}' exists; --force replaces it");
        (await ToolRun.Of("calibrate", "--text", "no/such", "--out", Path.Combine(_directory["missing"], "table"))).RequireFailure(
            ExitCodes.Failure, $"--out '{Path.Combine(_directory["missing"], "table")}' is in no folder that exists");
        (await ToolRun.Of("calibrate", "--model", checkpoint.ModelPath, "--text", _directory["short"], "--out", _directory["none"])).RequireFailure(
            ExitCodes.Failure, "Layer 0: the calibration saw 100 tokens, at least 256 are needed.");
        Assert.False(File.Exists(_directory["none"]));
        (await ToolRun.Of("eval", "--calibration", "no/such")).RequireFailure(ExitCodes.Failure, "--calibration 'no/such' is not a file");
        Assert.Equal(ExitCodes.Usage, (await ToolRun.Of("calibrate", "--out", "x")).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await ToolRun.Of("generate", "--prompt", "a", "--static", "--calibration", table)).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await ToolRun.Of("generate", "--prompt", "a", "--force")).ExitCode);
    }

    public void Dispose() => _directory.Dispose();

    private async Task<string> MakeAsync()
    {
        string table = _directory["made"];
        ToolRun run = await ToolRun.Of("calibrate", "--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--out", table);
        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        return table;
    }
}
