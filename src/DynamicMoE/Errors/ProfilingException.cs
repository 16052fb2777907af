namespace DynamicMoE;

/// <summary>A profile could not be taken, for instance because a layer kind cannot be counted.</summary>
public sealed class ProfilingException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public ProfilingException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public ProfilingException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public ProfilingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
