namespace DynamicMoE;

/// <summary>The circuit breaker of a <see cref="MonitoredRouter"/> is open and has no fallback for the batch. Nothing was written; the inner exception, when
/// there is one, is the failure that opened it.</summary>
public sealed class CircuitOpenException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public CircuitOpenException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public CircuitOpenException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public CircuitOpenException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal CircuitOpenException(string message, TimeSpan retryAfter, Exception? failure)
        : base(message, failure!) => RetryAfter = retryAfter;

    /// <summary>Time until the router is tried again; zero when a batch tries it now.</summary>
    public TimeSpan RetryAfter { get; }
}
