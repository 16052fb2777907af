using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>Adds the sources of settings to a configuration. Later sources win.</summary>
public static class SettingConfigurationExtensions
{
    /// <summary>Adds a YAML file.</summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="path">Path of the file.</param>
    /// <param name="optional">Whether it may be missing.</param>
    /// <param name="reloadInterval">How often it is looked at for changes, above zero, at most a day; null for never.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IConfigurationBuilder AddDynamicMoEYaml(
        this IConfigurationBuilder builder, string path, bool optional = false, TimeSpan? reloadInterval = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(path);
        return builder.Add(new YamlConfigurationSource { Path = path, Optional = optional, ReloadInterval = reloadInterval });
    }

    /// <summary>Adds the environment variables that <see cref="EnvironmentVariables"/> names. Without it they count all the same, above all but the command line.</summary>
    /// <param name="builder">The configuration.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IConfigurationBuilder AddDynamicMoEEnvironment(this IConfigurationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new EnvironmentConfigurationSource());
    }

    /// <summary>Adds settings as <c>key=value</c>.</summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="assignments">The settings, such as <c>router.min_experts=2</c>.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IConfigurationBuilder AddDynamicMoECommandLine(this IConfigurationBuilder builder, IEnumerable<string> assignments)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(assignments);
        return builder.Add(new CommandLineConfigurationSource { Assignments = [.. assignments] });
    }
}
