using System.Diagnostics;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using Xunit;

namespace DynamicMoE.Cli.Tests;

/// <summary>The built tool as a user starts it.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task Doctor_WhenStarted_WritesPlainTextAndSucceeds()
    {
        using Process process = Start("doctor");
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(ExitCodes.Ok, process.ExitCode);
        Assert.StartsWith("library ", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task Usage_WhenWrong_IsOneLineOnTheErrorStream()
    {
        using Process process = Start("eval", "--format", "q5");
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(ExitCodes.Usage, process.ExitCode);
        Assert.Equal("dmoe: --format 'q5' is not one of f32, bf16, q8, q4 (see dmoe --help)\n", error);
    }

    [Fact]
    public async Task Generate_WhenInterrupted_EndsItsLineAndSaysSo()
    {
        // The text would go on for long; its first piece shows that the model runs.
        SyntheticCheckpoint model = SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = 256 });
        model.Config["max_position_embeddings"] = 200_000;
        model.Config.Remove("eos_token_id");
        using var directory = new TemporaryDirectory();
        model.Save(directory.Path);
        using Process process = Start("generate", "--model", directory.Path, "--prompt", "a", "--max-tokens", "200000");
        var first = new char[1];
        Assert.Equal(1, await process.StandardOutput.ReadAsync(first));
        await RunAsync("kill", "-INT", $"{process.Id}");
        string rest = await process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal((ExitCodes.Interrupted, "dmoe: interrupted\n"), (process.ExitCode, error));
        Assert.EndsWith("\n", rest, StringComparison.Ordinal);
    }

    // The pack hangs where no cancellation reaches it, at a pipe that nobody writes to, while its file is half written.
    [Fact]
    public async Task Pack_WhenInterruptedAndItDoesNotEnd_LeavesNothing()
    {
        using var directory = new TemporaryDirectory();
        string folder = directory["model"], config = Path.Combine(folder, "config.json");
        SyntheticCheckpoint model = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        model.Save(folder);
        File.Delete(config);
        await RunAsync("mkfifo", config);
        Directory.CreateDirectory(directory["out"]);
        using Process process = Start("pack", "--model", folder, "--format", "q8", "--out", directory["out/model.dmoe"]);
        await Task.Run(() => File.WriteAllText(config, model.Config.ToJsonString())).WaitAsync(TimeSpan.FromMinutes(1));
        while (Directory.GetFiles(directory["out"]).Length == 0)
        {
            Assert.False(process.HasExited);
            await Task.Delay(10);
        }

        await RunAsync("kill", "-INT", $"{process.Id}");
        await process.WaitForExitAsync();

        Assert.NotEqual(ExitCodes.Ok, process.ExitCode);
        Assert.Empty(Directory.GetFiles(directory["out"]));
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "dmoe.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
