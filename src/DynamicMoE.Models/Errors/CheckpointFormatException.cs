namespace DynamicMoE.Models;

/// <summary>A checkpoint file is damaged, or its tensors are not those that its configuration asks for.</summary>
public sealed class CheckpointFormatException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public CheckpointFormatException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public CheckpointFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public CheckpointFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal CheckpointFormatException(string file, string? tensor, string problem, Exception? innerException = null)
        : base(tensor is null ? $"{file}: {problem}" : $"{file}: tensor {Printable.Quote(tensor)}: {problem}", innerException!)
    {
        File = file;
        Tensor = tensor;
    }

    /// <summary>The file, or null when it is not known.</summary>
    public string? File { get; }

    /// <summary>The tensor's name, or null when the problem is the file's.</summary>
    public string? Tensor { get; }
}
