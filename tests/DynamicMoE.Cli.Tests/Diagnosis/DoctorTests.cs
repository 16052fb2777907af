using System.Text.Json;
using DynamicMoE.Cli.Diagnosis;
using DynamicMoE.Cli.Terminal;
using Xunit;

namespace DynamicMoE.Cli.Tests.Diagnosis;

public sealed class DoctorTests
{
    [Fact]
    public async Task Run_WhenTheLibraryIsThere_NamesLibraryInstructionsCoresAndCuda()
    {
        ToolRun run = await ToolRun.Of("doctor");

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        foreach (string line in new[] { "library ", "ABI ", "instructions ", "processor ", "cores ", "quota ", "CUDA ", "runtime " })
        {
            Assert.Contains(run.Out.Split('\n'), l => l.StartsWith(line, StringComparison.Ordinal) && l.Length > 14);
        }
    }

    [Fact]
    public async Task Run_WhenTheLibraryIsThere_NamesTheLevelOnce()
    {
        ToolRun run = await ToolRun.Of("doctor");

        string line = Assert.Single(run.Out.Split('\n'), l => l.StartsWith("instructions ", StringComparison.Ordinal));
        string level = Doctor.IsaName(RuntimeInfo.Query().Isa);
        Assert.StartsWith($"{level}, because ", line["instructions ".Length..].TrimStart(), StringComparison.Ordinal);
        Assert.Equal(2, line.Split(level).Length);
    }

    [Fact]
    public async Task Run_WhenJson_SaysTheSame()
    {
        ToolRun run = await ToolRun.Of("doctor", "--json");

        using JsonDocument json = JsonDocument.Parse(run.Out);
        RuntimeInfo info = RuntimeInfo.Query();
        Assert.True(json.RootElement.GetProperty("usable").GetBoolean());
        Assert.Equal(info.LibraryPath, json.RootElement.GetProperty("library_path").GetString());
        Assert.Equal(info.Isa.ToString().ToLowerInvariant(), json.RootElement.GetProperty("isa").GetString());
        Assert.Equal(info.PoolThreads, json.RootElement.GetProperty("pool_threads").GetInt32());
    }

    [Fact]
    public void Write_WhenTheLibraryIsNotUsable_SaysWhy()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var report = new DoctorReport { Usable = false, Problem = "no such file", Runtime = ".NET" };

        Doctor.Write(new ToolConsole(output, TextWriter.Null, IsTerminal: false), report);

        Assert.Equal("library       not usable: no such file\nruntime       .NET\n", output.ToString());
    }
}
