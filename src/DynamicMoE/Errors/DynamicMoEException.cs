namespace DynamicMoE;

/// <summary>Base of every exception that DynamicMoE raises on its own account.</summary>
public class DynamicMoEException : Exception
{
    /// <summary>Makes an exception with a default message.</summary>
    public DynamicMoEException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public DynamicMoEException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public DynamicMoEException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
