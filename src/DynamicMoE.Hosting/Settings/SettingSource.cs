using System.Globalization;

namespace DynamicMoE.Hosting;

/// <summary>Where the value of a setting comes from. Later kinds win over earlier ones.</summary>
public enum SettingSourceKind
{
    /// <summary>Nobody set it.</summary>
    Default = 0,

    /// <summary>The chosen preset.</summary>
    Preset = 1,

    /// <summary>A YAML file.</summary>
    Yaml = 2,

    /// <summary>An environment variable.</summary>
    Environment = 3,

    /// <summary>A <c>key=value</c> of the command line.</summary>
    CommandLine = 4,

    /// <summary>Another provider of the host's configuration; its place among the others is that of the provider.</summary>
    Other = 5,
}

/// <summary>Where the value of a setting comes from.</summary>
/// <param name="Kind">What kind of place.</param>
/// <param name="Name">Name of the preset, path of the file as it was given, name of the variable or of the provider; null where there is none.</param>
/// <param name="Line">Line of the file, from 1; null outside files and where a whole file is meant.</param>
/// <param name="Column">Column in that line, from 1, in UTF-16 units.</param>
public sealed record SettingSource(SettingSourceKind Kind, string? Name = null, int? Line = null, int? Column = null)
{
    /// <summary>The place as messages name it: <c>default</c>, <c>preset small</c>, <c>config.yaml:4:16</c>, <c>environment DYNAMIC_MOE_CACHE_SIZE</c>,
    /// <c>command line</c>, or the provider's name.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => Kind switch
    {
        SettingSourceKind.Default => "default",
        SettingSourceKind.Preset => $"preset {Name}",
        SettingSourceKind.Yaml when Line is not null => string.Create(CultureInfo.InvariantCulture, $"{Name}:{Line}:{Column}"),
        SettingSourceKind.Environment => $"environment {Name}",
        SettingSourceKind.CommandLine => "command line",
        _ => Name ?? "configuration",
    };
}
