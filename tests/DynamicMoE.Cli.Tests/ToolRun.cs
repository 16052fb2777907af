using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Tests;

/// <summary>One command run inside the test process.</summary>
internal sealed record ToolRun(int ExitCode, string Out, string Error)
{
    public static async Task<ToolRun> Of(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int code = await Tool.RunAsync(arguments, new ToolConsole(output, error, IsTerminal: false));
        return new ToolRun(code, output.ToString(), error.ToString());
    }

    /// <summary>A success writes nothing on the error stream but where it is.</summary>
    public void RequireSuccess()
    {
        Xunit.Assert.Equal(ExitCodes.Ok, ExitCode);
        Xunit.Assert.Matches("^([a-z]+ [0-9]+/[0-9]+: [^\n]+\n)*$", Error);
    }

    /// <summary>A failure is one line on the error stream and nothing else.</summary>
    public void RequireFailure(int code, string message)
    {
        Xunit.Assert.Equal((code, "", $"dmoe: {message}\n"), (ExitCode, Out, Error));
    }
}
