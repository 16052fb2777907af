namespace DynamicMoE;

/// <summary>An option is outside its range, or options contradict each other. The message names every offending option with its value.</summary>
public class RouterConfigurationException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public RouterConfigurationException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public RouterConfigurationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public RouterConfigurationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
