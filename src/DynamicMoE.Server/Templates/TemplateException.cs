namespace DynamicMoE.Server;

/// <summary>A chat template that is not understood, or that refuses its messages.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="raised">Whether the template itself refused, by <c>raise_exception</c>.</param>
internal sealed class TemplateException(string message, bool raised = false) : Exception(message)
{
    public bool Raised { get; } = raised;

    /// <summary>The same with a line of the template.</summary>
    public static TemplateException At(int line, string message) => new($"line {line} of the chat template: {message}");
}
