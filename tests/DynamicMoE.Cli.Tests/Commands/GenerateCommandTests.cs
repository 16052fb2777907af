using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class GenerateCommandTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>
{
    [Fact]
    public async Task Run_WhenStaticAndCold_WritesTheReferenceDecodersChoices()
    {
        ToolRun run = await RunAsync("abc", "--static", "--temperature", "0", "--max-tokens", "6");

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        Assert.Equal(Reference("abc", 6) + "\n", run.Out);
    }

    [Fact]
    public async Task Run_WhenTheSeedIsTheSame_WritesTheSame()
    {
        ToolRun a = await RunAsync("abc", "--seed", "5", "--max-tokens", "20");
        ToolRun b = await RunAsync("abc", "--seed", "5", "--max-tokens", "20");
        ToolRun c = await RunAsync("abc", "--seed", "6", "--max-tokens", "20");

        Assert.Equal(a.Out, b.Out);
        Assert.NotEqual(a.Out, c.Out);
    }

    [Fact]
    public async Task Run_WhenABudgetExceedsTheTrainedCount_NamesTheRange() =>
        (await RunAsync("abc", "--budget", "3")).RequireFailure(
            ExitCodes.Failure, "--budget 3 is outside 1..2, the experts per token that the model was trained with");

    [Fact]
    public async Task Run_WhenThePromptIsLongerThanTheModelAllows_IsOneLine()
    {
        ToolRun run = await RunAsync(new string('x', 600));

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.Matches("^dmoe: [^\n]*600[^\n]*\n$", run.Error);
    }

    private Task<ToolRun> RunAsync(string prompt, params string[] arguments) =>
        ToolRun.Of(["generate", "--model", checkpoint.ModelPath, "--prompt", prompt, .. arguments]);

    private string Reference(string prompt, int count)
    {
        List<int> tokens = [.. prompt.Select(c => (int)c)];
        for (int i = 0; i < count; i++)
        {
            double[] logits = checkpoint.Model.Decoder.Run([.. tokens]).Logits[^256..];
            int best = Array.IndexOf(logits, logits.Max());
            if (best == 2)
            {
                break; // eos_token_id of the checkpoint's config.json
            }

            tokens.Add(best);
        }

        return System.Text.Encoding.UTF8.GetString([.. tokens.Skip(prompt.Length).Select(token => (byte)token)]);
    }
}
