namespace DynamicMoE;

/// <summary>A complexity estimator threw, or returned a score that is not a number in [0, 1]. No state was changed.</summary>
public sealed class ComplexityEstimationException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public ComplexityEstimationException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public ComplexityEstimationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public ComplexityEstimationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ComplexityEstimationException(string estimatorName, string message, Exception? innerException)
        : base($"Complexity estimator '{estimatorName}': {message}", innerException!) => EstimatorName = estimatorName;

    /// <summary>Name of the estimator, or empty when it is not known.</summary>
    public string EstimatorName { get; } = "";
}
