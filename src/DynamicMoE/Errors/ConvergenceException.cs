namespace DynamicMoE;

/// <summary>A calibration or a wait for convergence ended without reaching its target. Routing itself never raises it.</summary>
public sealed class ConvergenceException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public ConvergenceException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public ConvergenceException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public ConvergenceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
