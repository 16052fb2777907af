using DynamicMoE.Hosting;
using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Cli.Configuration;

/// <summary>Where settings are to come from.</summary>
/// <param name="File">A YAML file, or null for config.yaml in the current folder, if there is one.</param>
/// <param name="Preset">A preset, or null for what the sources say.</param>
/// <param name="Assignments">Settings as key=value.</param>
internal sealed record ConfigRequest(string? File, string? Preset, IReadOnlyList<string> Assignments)
{
    private const string UsualFile = "config.yaml";

    /// <summary>The file that is read, or null when there is none.</summary>
    public string? ReadFile { get; } = File ?? (System.IO.File.Exists(UsualFile) ? UsualFile : null);

    /// <summary>Reads the settings: the file, the environment, the command line.</summary>
    /// <exception cref="SettingsException">The settings are not valid.</exception>
    public DynamicMoESettings Read() => DynamicMoESettings.Read(Build());

    /// <summary>The file, the environment, the command line.</summary>
    /// <param name="reloadInterval">How often the file is looked at for changes; null: never.</param>
    public IConfigurationRoot Build(TimeSpan? reloadInterval = null)
    {
        var builder = new ConfigurationBuilder();
        if (ReadFile is not null)
        {
            builder.AddDynamicMoEYaml(ReadFile, reloadInterval: reloadInterval);
        }

        builder.AddDynamicMoEEnvironment();
        builder.AddDynamicMoECommandLine(Preset is null ? Assignments : [$"preset={Preset}", .. Assignments]);
        return builder.Build();
    }
}
