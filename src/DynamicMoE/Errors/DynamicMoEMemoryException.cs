namespace DynamicMoE;

/// <summary>Host memory for weights or workspaces could not be had.</summary>
public class DynamicMoEMemoryException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public DynamicMoEMemoryException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public DynamicMoEMemoryException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public DynamicMoEMemoryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal static DynamicMoEMemoryException Of(int tokens, OutOfMemoryException cause) =>
        new($"Working memory for a batch of {tokens} tokens could not be had: {cause.Message}", cause);
}
