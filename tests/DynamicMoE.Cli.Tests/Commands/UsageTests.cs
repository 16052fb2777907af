using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class UsageTests
{
    [Theory]
    [InlineData("eval --budgets 0.5", "--budgets '0.5' is not a number in 1..64")]
    [InlineData("eval --budgets 1.25,,2", "--budgets '' is not a number in 1..64")]
    [InlineData("eval --budgets nan", "--budgets 'nan' is not a number in 1..64")]
    [InlineData("eval --format q5", "--format 'q5' is not one of f32, bf16, q8, q4")]
    [InlineData("eval --threads -1", "--threads '-1' is not a whole number in 0..1024")]
    [InlineData("eval --threads 1.5", "--threads '1.5' is not a whole number in 0..1024")]
    [InlineData("eval --max-bytes 1", "--max-bytes '1' is not a whole number in 256..268435456")]
    [InlineData("eval extra", "'extra' is not a command or option of eval")]
    [InlineData("evil", "'evil' is not a command or option of dmoe")]
    [InlineData("doctor --model x", "'--model' is not a command or option of doctor")]
    [InlineData("generate --prompt a --temperature 11", "--temperature '11' is not a number in 0..10")]
    [InlineData("generate --prompt a --max-tokens 0", "--max-tokens '0' is not a whole number in 1..1048576")]
    [InlineData("generate --prompt a --seed -2", "--seed '-2' is not a whole number in 0..2147483647")]
    [InlineData("pack", "one of --out and --verify is needed")]
    [InlineData("pack --out x --verify y", "--out and --verify exclude each other")]
    [InlineData("pack --out x", "--out needs --format, one of f32, bf16, q8, q4")]
    [InlineData("pack --out x --format f16", "--format 'f16' is not one of f32, bf16, q8, q4")]
    [InlineData("pack --verify x --model y", "--verify takes no --model, --format or --force")]
    [InlineData("pack --verify x --force", "--verify takes no --model, --format or --force")]
    [InlineData("generate --prompt a --static --budget 1.5", "--budget and --static exclude each other")]
    [InlineData("config show --preset huge", "--preset 'huge' is not one of small, medium, large")]
    [InlineData("config validate --set router.tau", "--set 'router.tau' is not of the form KEY=VALUE")]
    [InlineData("config show extra", "'extra' is not a command or option of show")]
    public async Task Run_WhenTheCommandLineIsWrong_NamesValueAndRange(string line, string message) =>
        (await ToolRun.Of(line.Split(' '))).RequireFailure(ExitCodes.Usage, $"{message} (see dmoe --help)");

    [Fact]
    public async Task Run_WhenPromptIsEmpty_IsRefused() =>
        (await ToolRun.Of("generate", "--prompt", "")).RequireFailure(
            ExitCodes.Usage, "--prompt is empty, at least 1 character is needed (see dmoe --help)");

    [Fact]
    public async Task Run_WhenAPathIsEmpty_IsRefused() =>
        (await ToolRun.Of("pack", "--format", "q4", "--out", "")).RequireFailure(
            ExitCodes.Usage, "--out is empty, the path of a file is needed (see dmoe --help)");

    [Theory]
    [InlineData]
    [InlineData("generate")]
    [InlineData("eval", "--text")]
    public async Task Run_WhenSomethingIsMissing_IsAUsageError(params string[] arguments)
    {
        ToolRun run = await ToolRun.Of(arguments);

        Assert.Equal(ExitCodes.Usage, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.Matches("^dmoe: [^\n]+\n$", run.Error);
    }

    [Theory]
    [InlineData("--help", "doctor")]
    [InlineData("eval --help", "--budgets")]
    [InlineData("generate --help", "--prompt")]
    [InlineData("pack --help", "--verify")]
    [InlineData("config --help", "validate")]
    public async Task Run_WhenHelpIsAsked_ShowsItAndSucceeds(string line, string expected)
    {
        ToolRun run = await ToolRun.Of(line.Split(' '));

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Contains(expected, run.Out, StringComparison.Ordinal);
    }
}
