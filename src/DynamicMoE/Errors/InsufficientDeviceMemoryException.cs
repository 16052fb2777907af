namespace DynamicMoE;

/// <summary>Device memory for weights or workspaces could not be had.</summary>
public sealed class InsufficientDeviceMemoryException : DynamicMoEMemoryException
{
    /// <summary>Makes an exception with a default message.</summary>
    public InsufficientDeviceMemoryException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public InsufficientDeviceMemoryException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public InsufficientDeviceMemoryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
