namespace DynamicMoE.Cli.Terminal;

/// <summary>Where the tool writes: results to <paramref name="Out"/>, errors and progress to <paramref name="Error"/>.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Errors, one line each.</param>
/// <param name="IsTerminal">Whether a person reads <paramref name="Out"/>; otherwise plain text is written.</param>
internal sealed record ToolConsole(TextWriter Out, TextWriter Error, bool IsTerminal)
{
    /// <summary>Whether a person watches <see cref="Error"/>; otherwise progress is plain lines.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>The process's own streams.</summary>
    public static ToolConsole OfProcess() => new(Console.Out, Console.Error, !Console.IsOutputRedirected) { ErrorIsTerminal = !Console.IsErrorRedirected };
}
