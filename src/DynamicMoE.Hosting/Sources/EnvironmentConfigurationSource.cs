using System.Collections;
using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>The environment variables that <see cref="EnvironmentVariables"/> names. The only place outside the native library and its loader that reads them.</summary>
public sealed class EnvironmentConfigurationSource : IConfigurationSource
{
    /// <summary>Variables by name.</summary>
    /// <value>The default, null, takes those of the process when the source is loaded.</value>
    public IReadOnlyDictionary<string, string>? Variables { get; set; }

    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new EnvironmentConfigurationProvider(Variables);

    internal static SettingLayer Read(IReadOnlyDictionary<string, string>? variables)
    {
        List<SettingEntry> entries = [];
        List<SettingProblem> problems = [];
        foreach ((string name, string value) in (variables ?? OfProcess()).OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(EnvironmentVariables.Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            var source = new SettingSource(SettingSourceKind.Environment, Printable.Text(name));
            if (SettingKeys.All.FirstOrDefault(key => key.Variable == name) is not { } key)
            {
                string hint = Similar.Nearest(name, SettingKeys.All.Select(known => known.Variable).OfType<string>()) is { } near ? $"; did you mean {near}?" : "";
                problems.Add(new SettingProblem(source, null, null, null, $"the variable is not known{hint}"));
            }
            else if (value.Length > 0 || key == SettingKeys.AlertWebhook)
            {
                entries.Add(new SettingEntry(key, value, source));
            }
        }

        return new SettingLayer(entries, problems);
    }

    private static Dictionary<string, string> OfProcess() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(variable => (string)variable.Key, variable => (string)variable.Value!, StringComparer.Ordinal);
}

/// <summary>What <see cref="EnvironmentConfigurationSource"/> found.</summary>
internal sealed class EnvironmentConfigurationProvider(IReadOnlyDictionary<string, string>? variables) : ConfigurationProvider, ISettingProvider
{
    public SettingLayer Layer { get; private set; } = new([], []);

    public override void Load()
    {
        Layer = EnvironmentConfigurationSource.Read(variables);
        Data = Layer.Entries.ToDictionary(entry => entry.Key.ConfigurationPath, entry => entry.Flat, StringComparer.OrdinalIgnoreCase);
    }

    public override string ToString() => "environment";
}
