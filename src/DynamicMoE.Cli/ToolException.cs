namespace DynamicMoE.Cli;

/// <summary>A failure that the tool itself finds; the message is complete and is shown as it is.</summary>
internal sealed class ToolException(string message) : Exception(message);
