using DynamicMoE.Hosting;

namespace DynamicMoE.Cli.Configuration;

/// <summary>Settings as <c>dmoe config show</c> tells them.</summary>
/// <param name="File">The YAML file that was read, or null.</param>
/// <param name="Preset">The preset in force.</param>
/// <param name="Settings">Every setting.</param>
internal sealed record ConfigReport(string? File, string Preset, IReadOnlyList<SettingLine> Settings)
{
    /// <summary>Tells of settings.</summary>
    public static ConfigReport Of(DynamicMoESettings settings, string? file) =>
        new(file, settings.Preset.ToString().ToLowerInvariant(), [.. settings.List().Select(SettingLine.Of)]);
}

/// <summary>One setting.</summary>
/// <param name="Key">Its place in the file.</param>
/// <param name="Value">Its value, or null when it is not set.</param>
/// <param name="Source">Who set it.</param>
/// <param name="Allowed">What is accepted.</param>
/// <param name="Default">Its value when nobody sets it, or null.</param>
/// <param name="Variable">The environment variable that sets it, or null.</param>
/// <param name="Live">Whether a running process takes a change of the file.</param>
internal sealed record SettingLine(string Key, string? Value, SourceLine Source, string Allowed, string? Default, string? Variable, bool Live)
{
    /// <summary>Tells of a setting.</summary>
    public static SettingLine Of(SettingValue value) =>
        new(value.Key, value.Value, SourceLine.Of(value.Source), value.Allowed, value.Default, value.Variable, value.Live);
}

/// <summary>Where something stands.</summary>
/// <param name="Kind">default, preset, yaml, environment, command_line or other.</param>
/// <param name="Name">The preset, file or variable, or null.</param>
/// <param name="Line">Line of the file, or null.</param>
/// <param name="Column">Column in it, or null.</param>
internal sealed record SourceLine(string Kind, string? Name, int? Line, int? Column)
{
    /// <summary>Tells of a source.</summary>
    public static SourceLine Of(SettingSource source) => new(
        source.Kind == SettingSourceKind.CommandLine ? "command_line" : source.Kind.ToString().ToLowerInvariant(), source.Name, source.Line, source.Column);
}

/// <summary>What <c>dmoe config validate</c> found.</summary>
/// <param name="Valid">Whether the settings can be used.</param>
/// <param name="File">The YAML file that was read, or null.</param>
/// <param name="Problems">What is wrong.</param>
internal sealed record ValidationReport(bool Valid, string? File, IReadOnlyList<ProblemLine> Problems)
{
    /// <summary>Tells of problems.</summary>
    public static ValidationReport Of(IReadOnlyList<SettingProblem> problems, string? file) => new(problems.Count == 0, file, [.. problems.Select(ProblemLine.Of)]);
}

/// <summary>One thing that is wrong.</summary>
/// <param name="Source">Where.</param>
/// <param name="Key">The setting, or null.</param>
/// <param name="Value">What was refused, or null.</param>
/// <param name="Allowed">What is accepted, or null.</param>
/// <param name="Message">The sentence that says it.</param>
internal sealed record ProblemLine(SourceLine Source, string? Key, string? Value, string? Allowed, string Message)
{
    /// <summary>Tells of a problem.</summary>
    public static ProblemLine Of(SettingProblem problem) => new(SourceLine.Of(problem.Source), problem.Key, problem.Value, problem.Allowed, problem.Message);
}
