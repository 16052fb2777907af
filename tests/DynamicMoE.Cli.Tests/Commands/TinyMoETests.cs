using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

/// <summary>The checkpoint that comes with the tool, on the text that it takes by default.</summary>
public sealed class TinyMoETests
{
    [Fact]
    public async Task Eval_WhenNothingIsGiven_DynamicRoutingHoldsItsBudgetsAndBeatsStaticTopOne()
    {
        ToolRun run = await ToolRun.Of("eval", "--max-bytes", "8192", "--json");

        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement rows = json.RootElement.GetProperty("rows");
        double topTwo = BitsPerByte(rows[0]), topOne = BitsPerByte(rows[1]);
        Assert.InRange(topTwo, 1, 2.2);
        Assert.True(topTwo < topOne, $"top-2 {topTwo}, top-1 {topOne}");
        foreach (JsonElement row in rows.EnumerateArray().Skip(2))
        {
            double budget = row.GetProperty("budget").GetDouble();
            Assert.Equal(budget, row.GetProperty("mean_experts_per_token").GetDouble(), 0.05);
            // Better than the straight line between the static rows: which tokens get the second expert matters.
            Assert.True(BitsPerByte(row) < topOne + ((budget - 1) * (topTwo - topOne)), $"{row}");
        }
    }

    [Fact]
    public async Task Eval_WhenExpertsHaveFewerBits_LosesLittle()
    {
        double bf16 = await StaticBitsPerByteAsync("bf16");

        Assert.InRange(await StaticBitsPerByteAsync("q8"), bf16 - 0.01, bf16 + 0.002);
        Assert.InRange(await StaticBitsPerByteAsync("q4"), bf16 - 0.01, bf16 + 0.05);
    }

    [Fact]
    public async Task Generate_WhenCold_ContinuesInWords()
    {
        ToolRun run = await ToolRun.Of("generate", "--prompt", "Gets or sets the ", "--temperature", "0", "--max-tokens", "40");

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        Assert.Equal(41, run.Out.Length);
        Assert.Contains(' ', run.Out.Trim());
    }

    // On the embedded text, which is the same on every machine.
    private static async Task<double> StaticBitsPerByteAsync(string format)
    {
        using var directory = new TemporaryDirectory();
        using (Stream text = typeof(Tool).Assembly.GetManifestResourceStream("fallback.txt")!)
        using (FileStream file = File.Create(directory["text"]))
        {
            await text.CopyToAsync(file);
        }

        ToolRun run = await ToolRun.Of("eval", "--text", directory["text"], "--max-bytes", "4096", "--budgets", "1.5", "--format", format, "--json");
        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return BitsPerByte(json.RootElement.GetProperty("rows")[0]);
    }

    private static double BitsPerByte(JsonElement row) => row.GetProperty("bits_per_byte").GetDouble();
}
