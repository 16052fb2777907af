namespace DynamicMoE;

/// <summary>The native library, an instruction set or a device is not usable here.</summary>
public sealed class BackendException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public BackendException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public BackendException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public BackendException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
