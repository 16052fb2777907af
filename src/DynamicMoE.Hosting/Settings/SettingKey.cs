namespace DynamicMoE.Hosting;

/// <summary>What a running process does when the file changes a setting.</summary>
internal enum ReloadRule
{
    /// <summary>It goes on with the old value until it is started again.</summary>
    Restart,

    /// <summary>It takes the new value.</summary>
    Live,

    /// <summary>It takes the new value where both the old and the new one are set.</summary>
    LiveWhileSet,
}

/// <summary>A setting: its place in the file, what it accepts, and what it is when nobody sets it.</summary>
internal abstract class SettingKey(string path)
{
    /// <summary>Its place in the file, with dots between levels.</summary>
    internal string Path { get; } = path;

    /// <summary>The same as configuration providers write it.</summary>
    internal string ConfigurationPath { get; } = path.Replace('.', ':');

    /// <summary>Its place in <see cref="SettingKeys.All"/>.</summary>
    internal int Index { get; set; }

    /// <summary>The environment variable that sets it, or null.</summary>
    internal string? Variable { get; init; }

    /// <summary>What happens when the file changes it.</summary>
    internal ReloadRule Reload { get; init; }

    /// <summary>Whether the value may hold a password and is not shown whole.</summary>
    internal bool Secret { get; init; }

    internal abstract bool IsList { get; }

    /// <summary>What is accepted; completes "must be".</summary>
    internal abstract string Allowed { get; }

    internal abstract object? Default { get; }

    /// <summary>The value as it is shown; null when it is not set.</summary>
    internal abstract string? Show(object? value);

    /// <summary>Reads a value.</summary>
    /// <param name="entry">The value as its source has it.</param>
    /// <param name="value">The value, or the default when it is refused.</param>
    /// <returns>What is wrong, or null.</returns>
    internal abstract SettingProblem? Parse(SettingEntry entry, out object? value);

    /// <summary>A text of the setting for messages.</summary>
    internal string Quote(string text) => Secret ? Printable.Quote(SettingTypes.WithoutPath(text)) : Printable.Quote(text);

    /// <summary>Whether a running process may go from one value to the other.</summary>
    internal bool MayChange(object? from, object? to) => Reload switch
    {
        ReloadRule.Live => true,
        ReloadRule.LiveWhileSet => from is not null && to is not null,
        _ => false,
    };

    internal SettingProblem Refused(SettingSource source, string? text, string state) =>
        new(source, Path, text is null ? null : Secret ? SettingTypes.WithoutPath(text) : text, Allowed, $"{Path} {state}, must be {Allowed}");
}

/// <summary>A setting of one type.</summary>
internal sealed class SettingKey<T>(string path, SettingType<T> type, T value) : SettingKey(path)
{
    internal override bool IsList => type.IsList;

    internal override string Allowed => type.Allowed;

    internal override object? Default { get; } = value;

    internal override string? Show(object? value) => value is null ? null : type.Show((T)value);

    internal override SettingProblem? Parse(SettingEntry entry, out object? value)
    {
        value = Default;
        if (entry.Text is null && entry.Elements is null)
        {
            if (!type.MayBeUnset)
            {
                return Refused(entry.Source, null, "has no value");
            }

            value = null;
            return null;
        }

        if (!type.TryParse(entry, out T parsed, out SettingElement? wrong))
        {
            string text = wrong?.Text ?? entry.Flat!;
            string element = wrong is null ? "" : "has an element that ";
            bool quoted = wrong?.Quoted ?? entry.Quoted;
            return Refused(wrong?.Source ?? entry.Source, text, $"{element}is {(quoted ? "the text " : "")}{Quote(text)}");
        }

        value = parsed;
        return null;
    }
}
