using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class EvalCommandTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>
{
    [Fact]
    public async Task Run_WhenAModelIsGiven_StaticRowsMatchTheReferenceDecoder()
    {
        JsonElement rows = await RowsAsync("--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--json");

        Assert.Equal(
            ["static top-2", "static top-1", "dynamic 1.25", "dynamic 1.5"],
            rows.EnumerateArray().Select(row => row.GetProperty("name").GetString()));
        Assert.Equal(2, Number(rows[0], "mean_experts_per_token"));
        Assert.Equal(1, Number(rows[1], "mean_experts_per_token"));
        Assert.Equal(ReferenceBitsPerByte(2), Number(rows[0], "bits_per_byte"), 1e-4);
        Assert.Equal(ReferenceBitsPerByte(1), Number(rows[1], "bits_per_byte"), 1e-4);
        Assert.Equal(0, Number(rows[0], "flops_saving"));
        // 400 tokens, 3 layers, a gate of 32 x 8 and experts of 3 x 32 x 20, two operations per weight.
        Assert.Equal(400 * 3 * 2.0 * ((32 * 8) + (2 * 3 * 32 * 20)), Number(rows[0], "moe_flops"));
    }

    [Fact]
    public async Task Run_WhenBudgetsAreGiven_HoldsThem()
    {
        JsonElement rows = await RowsAsync(
            "--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--budgets", "1.3,1.8", "--json");

        Assert.Equal(4, rows.GetArrayLength());
        Assert.Equal(1.3, Number(rows[2], "mean_experts_per_token"), 0.1);
        Assert.Equal(1.8, Number(rows[3], "mean_experts_per_token"), 0.1);
        Assert.True(Number(rows[2], "flops_saving") > Number(rows[3], "flops_saving"));
    }

    [Fact]
    public async Task Run_WhenFormatIsBf16_SaysSoAndStaysNear()
    {
        JsonElement rows = await RowsAsync(
            "--model", checkpoint.ModelPath, "--text", checkpoint.TextPath, "--format", "bf16", "--threads", "1", "--json");

        Assert.Equal(ReferenceBitsPerByte(2), Number(rows[0], "bits_per_byte"), 0.1);
    }

    [Fact]
    public async Task Run_WhenABudgetExceedsTheTrainedCount_NamesTheRange() =>
        (await ToolRun.Of("eval", "--model", checkpoint.ModelPath, "--budgets", "2.5")).RequireFailure(
            ExitCodes.Failure, "--budgets 2.5 is outside 1..2, the experts per token that the model was trained with");

    [Fact]
    public async Task Run_WhenTheFolderIsMissing_NamesIt() =>
        (await ToolRun.Of("eval", "--model", "no/such")).RequireFailure(ExitCodes.Failure, "--model 'no/such' is neither a folder nor a file");

    [Fact]
    public async Task Run_WhenTheTextIsMissing_NamesIt() =>
        (await ToolRun.Of("eval", "--model", checkpoint.ModelPath, "--text", "no/such")).RequireFailure(
            ExitCodes.Failure, "--text 'no/such' is not a file");

    [Theory]
    [InlineData("offsets_overlap")]
    [InlineData("header_length_maximum")]
    [InlineData("data_truncated")]
    public async Task Run_WhenTheCheckpointIsBroken_IsOneLineThatNamesTheFile(string name)
    {
        using var directory = new TemporaryDirectory();
        File.Copy(Path.Combine(checkpoint.ModelPath, "config.json"), directory["config.json"]);
        File.WriteAllBytes(directory["model.safetensors"], BrokenSafetensors.Create(name));

        ToolRun run = await ToolRun.Of("eval", "--model", directory.Path, "--text", checkpoint.TextPath);

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.Matches("^dmoe: [^\n]*model.safetensors[^\n]*\n$", run.Error);
    }

    private double ReferenceBitsPerByte(int experts)
    {
        int[] tokens = [.. ByteCheckpoint.Text.Select(c => (int)c)];
        var rules = new RouteRules { MinExperts = experts, MaxExperts = experts, Weighting = ReferenceWeighting.Renormalize };
        DecoderTrace trace = checkpoint.Model.Decoder.Run(tokens, _ => rules);
        double nats = 0;
        for (int i = 0; i + 1 < tokens.Length; i++)
        {
            nats -= Math.Log(ReferenceMath.Softmax(trace.Logits.AsSpan(i * 256, 256))[tokens[i + 1]]);
        }

        return nats / Math.Log(2) / (tokens.Length - 1);
    }

    private static async Task<JsonElement> RowsAsync(params string[] arguments)
    {
        ToolRun run = await ToolRun.Of(["eval", .. arguments]);
        run.RequireSuccess();
        Assert.StartsWith("eval 1/", run.Error, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return json.RootElement.GetProperty("rows").Clone();
    }

    private static double Number(JsonElement row, string name) => row.GetProperty(name).GetDouble();
}
