namespace DynamicMoE.Hosting;

/// <summary>A value as its source has it.</summary>
/// <param name="Key">The setting.</param>
/// <param name="Text">The text; null is YAML's null, which unsets a setting that may be unset.</param>
/// <param name="Source">Where it stands.</param>
/// <param name="Quoted">Whether it is text by its notation, and so no number and no switch.</param>
/// <param name="Elements">Elements of a list, or null when <paramref name="Text"/> is all.</param>
internal sealed record SettingEntry(
    SettingKey Key, string? Text, SettingSource Source, bool Quoted = false, IReadOnlyList<SettingElement>? Elements = null)
{
    /// <summary>The text as a configuration provider holds it: elements of a list are separated by commas.</summary>
    internal string? Flat => Elements is null ? Text : string.Join(',', Elements.Select(element => element.Text));
}

/// <summary>An element of a list.</summary>
/// <param name="Text">The text.</param>
/// <param name="Source">Where it stands.</param>
/// <param name="Quoted">Whether it is text by its notation.</param>
internal sealed record SettingElement(string Text, SettingSource Source, bool Quoted);

/// <summary>What one source says, and what is wrong with it apart from values.</summary>
/// <param name="Entries">Values, in the order of the source.</param>
/// <param name="Problems">Unknown keys, wrong structure, unreadable files.</param>
internal sealed record SettingLayer(IReadOnlyList<SettingEntry> Entries, IReadOnlyList<SettingProblem> Problems);

/// <summary>A configuration provider that knows where its values stand.</summary>
internal interface ISettingProvider
{
    /// <summary>What the provider holds now.</summary>
    SettingLayer Layer { get; }
}
