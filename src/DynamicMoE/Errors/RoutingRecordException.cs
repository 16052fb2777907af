namespace DynamicMoE;

/// <summary>A record of routing is truncated, damaged or of another version. The message names the file and the offset.</summary>
public sealed class RoutingRecordException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public RoutingRecordException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public RoutingRecordException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public RoutingRecordException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal RoutingRecordException(string file, long offset, string problem, Exception? innerException = null)
        : base($"{file}: byte {offset}: {problem}", innerException!)
    {
        File = file;
        Offset = offset;
    }

    /// <summary>The file, or null when it is not known.</summary>
    public string? File { get; }

    /// <summary>First byte of the part that is wrong, or null when it is not known.</summary>
    public long? Offset { get; }
}
