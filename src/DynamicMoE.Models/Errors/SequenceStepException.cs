namespace DynamicMoE.Models;

/// <summary>One step of <see cref="MoEModel.ForwardBatch"/> failed: finite input overflowed. No sequence has advanced; the others can go on without it.</summary>
public sealed class SequenceStepException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public SequenceStepException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public SequenceStepException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public SequenceStepException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal SequenceStepException(int step, ExpertDispatchException cause)
        : base($"steps[{step}]: {cause.Message}", cause) => Step = step;

    /// <summary>Index of the step, or null when it is not known.</summary>
    public int? Step { get; }
}
