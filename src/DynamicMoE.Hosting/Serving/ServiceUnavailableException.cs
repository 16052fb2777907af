namespace DynamicMoE.Hosting;

/// <summary>A request that was not accepted: the queue is full, or the service does not run.</summary>
public sealed class ServiceUnavailableException : DynamicMoEException
{
    /// <summary>With neither message nor reason.</summary>
    public ServiceUnavailableException()
    {
    }

    /// <param name="message">The message.</param>
    public ServiceUnavailableException(string message)
        : base(message)
    {
    }

    /// <param name="message">The message.</param>
    /// <param name="innerException">The cause.</param>
    public ServiceUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ServiceUnavailableException(string message, ServiceState state, TimeSpan retryAfter)
        : base(message)
    {
        State = state;
        RetryAfter = retryAfter;
    }

    /// <summary>State of the service; <see cref="ServiceState.Running"/> when the queue is full.</summary>
    public ServiceState State { get; }

    /// <summary>When another try may succeed.</summary>
    /// <value>Above zero when the queue is full: how long it takes to empty at the present speed, at least 1 s. Else zero.</value>
    public TimeSpan RetryAfter { get; }
}
