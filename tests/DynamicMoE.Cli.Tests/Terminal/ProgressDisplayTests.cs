using DynamicMoE.Cli.Terminal;
using Xunit;

namespace DynamicMoE.Cli.Tests.Terminal;

public sealed class ProgressDisplayTests
{
    [Fact]
    public void Run_WhenPiped_WritesALineForEachStep() =>
        Assert.Equal("latency 1/2: first\nlatency 2/2: second\n", Written(terminal: false));

    [Fact]
    public void Run_WhenOnATerminal_DrawsNoSuchLines() => Assert.DoesNotContain("latency 1/2: first", Written(terminal: true), StringComparison.Ordinal);

    private static string Written(bool terminal)
    {
        using var error = new StringWriter { NewLine = "\n" };
        using var output = new StringWriter();
        int result = ProgressDisplay.Run(new ToolConsole(output, error, IsTerminal: false) { ErrorIsTerminal = terminal }, progress =>
        {
            progress.Report(new BenchmarkProgress("latency", 0, 2, "first"));
            progress.Report(new BenchmarkProgress("latency", 1, 2, "second"));
            progress.Report(new BenchmarkProgress("latency", 2, 2, ""));
            return 7;
        });
        Assert.Equal((7, ""), (result, output.ToString()));
        return error.ToString();
    }
}
