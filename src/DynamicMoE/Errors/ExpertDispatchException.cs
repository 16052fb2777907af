namespace DynamicMoE;

/// <summary>An expert failed: it threw, or finite input gave a non-finite output. The output buffer of the call is undefined.</summary>
public sealed class ExpertDispatchException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public ExpertDispatchException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public ExpertDispatchException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public ExpertDispatchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ExpertDispatchException(string message, int expert, int? token, Exception? innerException)
        : base(message, innerException!)
    {
        Expert = expert;
        Token = token;
    }

    /// <summary>Index of the expert that failed; null when none is to blame alone: a shared expert, the sum of several, or another part of a model.</summary>
    public int? Expert { get; }

    /// <summary>Row of the batch whose output is not finite, or null when no single token is to blame.</summary>
    public int? Token { get; }
}
