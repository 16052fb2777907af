namespace DynamicMoE.Models;

/// <summary>A key of config.json or of a tokenizer file is missing, has a wrong value, or asks for something that is not supported.</summary>
public sealed class ModelConfigurationException : DynamicMoEException
{
    /// <summary>Makes an exception with a default message.</summary>
    public ModelConfigurationException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    public ModelConfigurationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong, with the value and the allowed range.</param>
    /// <param name="innerException">The cause.</param>
    public ModelConfigurationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ModelConfigurationException(string file, string? key, string problem, Exception? innerException = null)
        : base(key is null ? $"{file}: {problem}" : $"{file}: {key}: {problem}", innerException!)
    {
        File = file;
        Key = key;
    }

    /// <summary>The file, or null when it is not known.</summary>
    public string? File { get; }

    /// <summary>The key, with dots between levels, or null when the problem is the file's.</summary>
    public string? Key { get; }
}
