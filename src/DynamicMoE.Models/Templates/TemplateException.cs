namespace DynamicMoE.Models;

/// <summary>A chat template that is not understood, or that refuses its messages.</summary>
public sealed class TemplateException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public TemplateException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public TemplateException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public TemplateException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal TemplateException(string message, bool raised)
        : base(message) => Raised = raised;

    /// <summary>Whether the template itself refused the messages, by <c>raise_exception</c>.</summary>
    public bool Raised { get; }

    /// <summary>The same with a line of the template.</summary>
    internal static TemplateException At(int line, string message) => new($"line {line} of the chat template: {message}");
}
