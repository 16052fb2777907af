using System.CommandLine;
using System.CommandLine.Help;
using DynamicMoE.Cli.Commands;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli;

/// <summary>The command line from arguments to exit code.</summary>
internal static class Tool
{
    private static readonly TimeSpan? s_termination = new InvocationConfiguration().ProcessTerminationTimeout;

    /// <summary>Runs one command. Every failure ends as one line on the error stream.</summary>
    public static async Task<int> RunAsync(string[] arguments, ToolConsole console)
    {
        try
        {
            ParseResult parsed = Root(console).Parse(arguments);
            return UsageError(parsed) is { } error
                ? Fail(console, $"{error} (see dmoe --help)", ExitCodes.Usage)
                : await parsed.InvokeAsync(new InvocationConfiguration
                {
                    Output = console.Out,
                    Error = console.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = ServeCommand.Is(parsed) ? null : s_termination,
                }).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Fail(console, "interrupted", ExitCodes.Interrupted);
        }
        catch (Exception error)
        {
            return Fail(console, ErrorText.Of(error), ExitCodes.Failure);
        }
    }

    private static string? UsageError(ParseResult parsed) => parsed switch
    {
        { Errors.Count: 0 } or { Action: HelpAction } => null,
        { UnmatchedTokens: [string token, ..] } => $"'{token}' is not a command or option of {Name(parsed.CommandResult.Command)}",
        _ => parsed.Errors[0].Message,
    };

    // The root command names itself after the running program, which is dotnet or a test host as well.
    private static string Name(Command command) => command is RootCommand ? "dmoe" : command.Name;

    private static RootCommand Root(ToolConsole console) => new("Runs Mixture-of-Experts checkpoints with dynamic routing.")
    {
        EvalCommand.Create(console),
        GenerateCommand.Create(console),
        CalibrateCommand.Create(console),
        DiffCommand.Create(console),
        PackCommand.Create(console),
        ConfigCommand.Create(console),
        DoctorCommand.Create(console),
        BenchCommand.Create(console),
        ProfileCommand.Create(console),
        CompareCommand.Create(console),
        ServeCommand.Create(console),
        KeysCommand.Create(console),
    };

    private static int Fail(ToolConsole console, string message, int code)
    {
        console.Error.WriteLine($"dmoe: {message}");
        return code;
    }
}
