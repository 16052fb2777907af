namespace DynamicMoE.Cli;

/// <summary>What the tool returns to its caller.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>The request was understood and could not be carried out.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Ended by Ctrl-C: 128 + SIGINT, as shells count it.</summary>
    public const int Interrupted = 130;
}
