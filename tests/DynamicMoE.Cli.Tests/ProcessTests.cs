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
        using ChildProcess process = ChildProcess.Tool("doctor");
        string output = await process.OutputAsync();
        await process.ExitAsync();

        Assert.Equal(ExitCodes.Ok, process.ExitCode);
        Assert.StartsWith("library ", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task Usage_WhenWrong_IsOneLineOnTheErrorStream()
    {
        using ChildProcess process = ChildProcess.Tool("eval", "--format", "q5");
        string error = await process.ErrorAsync();
        await process.ExitAsync();

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
        using ChildProcess process = ChildProcess.Tool("generate", "--model", directory.Path, "--prompt", "a", "--max-tokens", "200000");
        Assert.Equal(1, (await process.FirstAsync()).Length);
        await process.InterruptAsync();
        string rest = await process.OutputAsync();
        string error = await process.ErrorAsync();
        await process.ExitAsync();

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
        await ChildProcess.RunAsync("mkfifo", config);
        Directory.CreateDirectory(directory["out"]);
        using ChildProcess process = ChildProcess.Tool("pack", "--model", folder, "--format", "q8", "--out", directory["out/model.dmoe"]);
        await Task.Run(() => File.WriteAllText(config, model.Config.ToJsonString())).WaitAsync(TimeSpan.FromMinutes(1));
        await process.UntilAsync(() => Directory.GetFiles(directory["out"]).Length > 0);
        await process.InterruptAsync();
        await process.ExitAsync();

        Assert.NotEqual(ExitCodes.Ok, process.ExitCode);
        Assert.Empty(Directory.GetFiles(directory["out"]));
    }

    [Fact]
    public async Task Wait_WhenTheChildDoesNotEnd_FailsAndLeavesNoProcess()
    {
        using ChildProcess process = ChildProcess.Start(TimeSpan.FromMilliseconds(50), "sleep", "1000");

        var error = await Assert.ThrowsAsync<TimeoutException>(process.ExitAsync);

        Assert.Matches("^sleep 1000 \\(process [0-9]+\\) was not done after 00:00:00.05", error.Message);
        Assert.True(process.HasExited);
    }
}
