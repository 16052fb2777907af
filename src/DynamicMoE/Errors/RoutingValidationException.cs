namespace DynamicMoE;

/// <summary>An input has the wrong shape, overlaps an output, is not dense, or holds NaN or infinity.</summary>
public sealed class RoutingValidationException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public RoutingValidationException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public RoutingValidationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public RoutingValidationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
