namespace DynamicMoE;

/// <summary>Fewer usable experts are left than the router must select for each token.</summary>
public sealed class LoadBalancingException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public LoadBalancingException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public LoadBalancingException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public LoadBalancingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
