namespace DynamicMoE.Hosting;

/// <summary>Settings are unknown, outside their range or contradict each other. The message has one line for each, with file, line, key, value and range.</summary>
public sealed class SettingsException : RouterConfigurationException
{
    /// <summary>Makes an exception with a default message.</summary>
    public SettingsException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">What is wrong.</param>
    public SettingsException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public SettingsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal SettingsException(IReadOnlyList<SettingProblem> problems)
        : base(string.Join('\n', problems)) => Problems = problems;

    /// <summary>Everything that is wrong, in the order of the sources and of their lines.</summary>
    public IReadOnlyList<SettingProblem> Problems { get; } = [];
}
