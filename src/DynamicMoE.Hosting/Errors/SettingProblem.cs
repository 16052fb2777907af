namespace DynamicMoE.Hosting;

/// <summary>One thing that is wrong with the settings.</summary>
/// <param name="Source">Where it was found.</param>
/// <param name="Key">The setting, with dots between levels, or null when a file as a whole is meant.</param>
/// <param name="Value">The value that was refused, or null when there is none.</param>
/// <param name="Allowed">What would be accepted, such as <c>a whole number in 1..4096</c>, or null when the key itself is wrong.</param>
/// <param name="Message">The sentence that says it, without the place.</param>
public sealed record SettingProblem(SettingSource Source, string? Key, string? Value, string? Allowed, string Message)
{
    /// <summary>Place and sentence.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => $"{Source}: {Message}";

    internal static SettingProblem OfFile(string file, string message) => new(new SettingSource(SettingSourceKind.Yaml, file), null, null, null, message);
}
