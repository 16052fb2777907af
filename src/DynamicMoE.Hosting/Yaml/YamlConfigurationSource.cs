using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>A YAML file of settings.</summary>
public sealed class YamlConfigurationSource : IConfigurationSource
{
    /// <summary>Path of the file. Messages name it as it stands here; a relative one counts from the current folder.</summary>
    /// <value>The default is <c>config.yaml</c>.</value>
    public string Path { get; set; } = "config.yaml";

    /// <summary>Whether the file may be missing.</summary>
    /// <value>The default is false.</value>
    public bool Optional { get; set; }

    /// <summary>How often the file is looked at for changes; a change counts once it was seen twice, so that a file that is being written is left alone.</summary>
    /// <value>Above zero, at most a day. The default, null, reads the file once.</value>
    public TimeSpan? ReloadInterval { get; set; }

    /// <summary>The clock behind <see cref="ReloadInterval"/>.</summary>
    /// <value>The default is the system's.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <inheritdoc/>
    /// <exception cref="RouterConfigurationException">The interval is outside its range, or the path is empty.</exception>
    public IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        if (ReloadInterval is { } interval && (interval <= TimeSpan.Zero || interval > TimeSpan.FromDays(1)))
        {
            throw new RouterConfigurationException($"YamlConfigurationSource: ReloadInterval ({interval}) must be above zero, at most a day.");
        }

        return string.IsNullOrEmpty(Path) || TimeProvider is null
            ? throw new RouterConfigurationException("YamlConfigurationSource: Path must not be empty, TimeProvider not null.")
            : new YamlConfigurationProvider(this);
    }
}
