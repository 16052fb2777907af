using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class PackCommandTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Packed => _directory["model.dmoe"];

    [Theory]
    [InlineData("f32")]
    [InlineData("bf16")]
    [InlineData("q8")]
    [InlineData("q4")]
    public async Task Run_WhenPacked_EvalAndGenerateTakeTheFile(string format)
    {
        ToolRun pack = await PackAsync("--format", format);
        Assert.Equal((ExitCodes.Ok, ""), (pack.ExitCode, pack.Error));
        Assert.StartsWith($"{Packed}: mixtral, ", pack.Out, StringComparison.Ordinal);

        JsonElement folder = await EvalAsync("--model", checkpoint.ModelPath, "--format", format);
        JsonElement file = await EvalAsync("--model", Packed);
        ToolRun text = await ToolRun.Of("generate", "--model", Packed, "--prompt", "abc", "--max-tokens", "5");

        Assert.Equal(BitsPerByte(folder, 0), BitsPerByte(file, 0));
        Assert.Equal(BitsPerByte(folder, 1), BitsPerByte(file, 1));
        Assert.Equal(format, file.GetProperty("model").GetProperty("format").GetString());
        Assert.Equal((ExitCodes.Ok, ""), (text.ExitCode, text.Error));
    }

    [Fact]
    public async Task Run_WhenJsonIsAsked_SaysWhatTheFileHolds()
    {
        ToolRun pack = await PackAsync("--format", "q4", "--json");
        ToolRun verify = await ToolRun.Of("pack", "--verify", Packed, "--json");

        using JsonDocument packed = JsonDocument.Parse(pack.Out);
        using JsonDocument verified = JsonDocument.Parse(verify.Out);
        foreach (JsonElement report in new[] { packed.RootElement, verified.RootElement })
        {
            Assert.Equal(
                (Packed, "mixtral", "q4"),
                (report.GetProperty("file").GetString(), report.GetProperty("family").GetString(), report.GetProperty("format").GetString()));
            Assert.Equal(new FileInfo(Packed).Length, report.GetProperty("bytes").GetInt64());
            Assert.InRange(report.GetProperty("expert_bytes").GetInt64(), 1, report.GetProperty("bytes").GetInt64());
            Assert.Equal((1, ExpertBank.PackedLayoutVersion), (report.GetProperty("version").GetInt32(), report.GetProperty("layout_version").GetInt32()));
            // config.json, the tensors and three layers.
            Assert.Equal(5, report.GetProperty("sections").GetInt32());
        }

        Assert.False(packed.RootElement.GetProperty("verified").GetBoolean());
        Assert.True(verified.RootElement.GetProperty("verified").GetBoolean());
    }

    [Fact]
    public async Task Verify_WhenTheFileIsWhole_SaysSo()
    {
        _ = await PackAsync("--format", "q8");

        ToolRun run = await ToolRun.Of("pack", "--verify", Packed);

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        Assert.EndsWith("every checksum is right\n", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_WhenAByteIsWrong_NamesFileAndSection()
    {
        _ = await PackAsync("--format", "q4");
        byte[] bytes = File.ReadAllBytes(Packed);
        bytes[^1] ^= 1;
        File.WriteAllBytes(Packed, bytes);

        ToolRun run = await ToolRun.Of("pack", "--verify", Packed);

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.StartsWith($"dmoe: {Packed}: section 'experts.2' is damaged: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        foreach (string[] command in new string[][] { ["eval", "--text", checkpoint.TextPath], ["generate", "--prompt", "a", "--max-tokens", "1"] })
        {
            Assert.Equal(ExitCodes.Ok, (await ToolRun.Of([.. command, "--model", Packed])).ExitCode);
            ToolRun verified = await ToolRun.Of([.. command, "--model", Packed, "--verify-checksums"]);
            Assert.Equal((ExitCodes.Failure, ""), (verified.ExitCode, verified.Out));
            Assert.StartsWith($"dmoe: {Packed}: section 'experts.2' is damaged: ", verified.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Run_WhenTheFileExists_ReplacesItOnlyWhenForced()
    {
        File.WriteAllText(Packed, "mine");

        (await PackAsync("--format", "q4")).RequireFailure(ExitCodes.Failure, $"--out '{Packed}' exists; --force replaces it");
        Assert.Equal("mine", File.ReadAllText(Packed));
        Assert.Equal(ExitCodes.Ok, (await PackAsync("--format", "q4", "--force")).ExitCode);
        Assert.Equal(ExitCodes.Ok, (await ToolRun.Of("pack", "--verify", Packed)).ExitCode);
    }

    [Fact]
    public async Task Run_WhenPathsAreWrong_NamesThem()
    {
        (await ToolRun.Of("pack", "--model", checkpoint.ModelPath, "--format", "q4", "--out", _directory.Path)).RequireFailure(
            ExitCodes.Failure, $"'{_directory.Path}' is a folder, the path of a file is needed.");
        (await ToolRun.Of("pack", "--model", checkpoint.ModelPath, "--format", "q4", "--out", _directory["none/x"])).RequireFailure(
            ExitCodes.Failure, $"The folder of '{_directory["none/x"]}' does not exist.");
        (await ToolRun.Of("pack", "--model", "no/such", "--format", "q4", "--out", Packed)).RequireFailure(
            ExitCodes.Failure, "--model 'no/such' is neither a folder nor a file");
        Assert.False(File.Exists(Packed));
        (await ToolRun.Of("pack", "--verify", "no/such")).RequireFailure(ExitCodes.Failure, "--verify 'no/such' is not a file");
        (await ToolRun.Of("pack", "--verify", _directory.Path)).RequireFailure(ExitCodes.Failure, $"--verify '{_directory.Path}' is not a file");
    }

    [Fact]
    public async Task Eval_WhenAnotherFormatIsAskedFor_NamesBoth()
    {
        _ = await PackAsync("--format", "q4");

        (await ToolRun.Of("eval", "--model", Packed, "--format", "q8")).RequireFailure(
            ExitCodes.Failure, $"ModelLoadOptions: WeightFormat (Q8) is not that of {Packed}, which is packed in Q4.");
    }

    [Fact]
    public async Task Eval_WhenTheFileIsNoPackedModel_SaysSo() =>
        (await ToolRun.Of("eval", "--model", checkpoint.TextPath)).RequireFailure(
            ExitCodes.Failure, $"{checkpoint.TextPath}: not a packed model: it does not begin with DMOEPACK.");

    public void Dispose() => _directory.Dispose();

    private Task<ToolRun> PackAsync(params string[] arguments) =>
        ToolRun.Of(["pack", "--model", checkpoint.ModelPath, "--out", Packed, .. arguments]);

    private async Task<JsonElement> EvalAsync(params string[] arguments)
    {
        ToolRun run = await ToolRun.Of(["eval", "--text", checkpoint.TextPath, "--json", .. arguments]);
        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return json.RootElement.Clone();
    }

    private static double BitsPerByte(JsonElement report, int row) => report.GetProperty("rows")[row].GetProperty("bits_per_byte").GetDouble();
}
