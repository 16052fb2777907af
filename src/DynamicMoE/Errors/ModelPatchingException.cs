namespace DynamicMoE;

/// <summary>A model could not be switched to dynamic routing or back. The message names the tensor or layer.</summary>
public sealed class ModelPatchingException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public ModelPatchingException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public ModelPatchingException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public ModelPatchingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
