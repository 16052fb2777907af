using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>From a configuration to its layers of settings, the winning one last.</summary>
internal static class SettingLayers
{
    internal static IReadOnlyList<SettingLayer> Of(IConfiguration configuration)
    {
        List<(IConfigurationProvider? Provider, SettingLayer Layer)> layers = configuration is IConfigurationRoot root
            ? [.. Flat(root).Select(provider => ((IConfigurationProvider?)provider, OfProvider(provider)))]
            : [(null, OfSection(configuration))];
        if (!layers.Any(layer => layer.Provider is EnvironmentConfigurationProvider))
        {
            int commandLine = layers.FindIndex(layer => layer.Provider is CommandLineConfigurationProvider);
            layers.Insert(commandLine < 0 ? layers.Count : commandLine, (null, EnvironmentConfigurationSource.Read(null)));
        }

        return [.. layers.Select(layer => layer.Layer)];
    }

    // Hosts put whole configurations into a provider.
    private static IEnumerable<IConfigurationProvider> Flat(IConfigurationRoot root) => root.Providers.SelectMany(provider =>
        provider is ChainedConfigurationProvider { Configuration: IConfigurationRoot inner } ? Flat(inner) : [provider]);

    private static SettingLayer OfProvider(IConfigurationProvider provider)
    {
        if (provider is ISettingProvider known)
        {
            return known.Layer;
        }

        var source = new SettingSource(SettingSourceKind.Other, Printable.Text(provider.ToString() ?? provider.GetType().Name));
        List<SettingEntry> entries = [];
        foreach (SettingKey key in SettingKeys.All)
        {
            if (provider.TryGet(key.ConfigurationPath, out string? text))
            {
                entries.Add(new SettingEntry(key, text, source));
            }
            else if (key.IsList && Children(provider, key.ConfigurationPath, source) is { Count: > 0 } elements)
            {
                entries.Add(new SettingEntry(key, null, source, Elements: elements));
            }
        }

        return new SettingLayer(entries, []);
    }

    private static List<SettingElement> Children(IConfigurationProvider provider, string path, SettingSource source)
    {
        List<SettingElement> elements = [];
        while (provider.TryGet($"{path}:{elements.Count}", out string? text))
        {
            elements.Add(new SettingElement(text ?? "", source, Quoted: false));
        }

        return elements;
    }

    // All of a section is ours, so that what is not known is a mistake.
    private static SettingLayer OfSection(IConfiguration section)
    {
        var source = new SettingSource(SettingSourceKind.Other, section is IConfigurationSection { Path: string path } ? $"section {path}" : null);
        List<SettingEntry> entries = [];
        List<SettingProblem> problems = [];
        Walk(section, "");
        return new SettingLayer(entries, problems);

        void Walk(IConfiguration part, string prefix)
        {
            foreach (IConfigurationSection child in part.GetChildren())
            {
                string name = $"{prefix}{child.Key.ToLowerInvariant()}";
                IConfigurationSection[] children = [.. child.GetChildren()];
                if (SettingKeys.Find(name) is { } key && (children.Length == 0 || key.IsList))
                {
                    entries.Add(children.Length == 0
                        ? new SettingEntry(key, child.Value, source)
                        : new SettingEntry(key, null, source, Elements: [.. children.Select(element => new SettingElement(element.Value ?? "", source, Quoted: false))]));
                }
                else if (SettingKeys.IsSection(name) && string.IsNullOrEmpty(child.Value))
                {
                    Walk(child, $"{name}.");
                }
                else
                {
                    string hint = SettingKeys.Nearest(name) is { } near && near != name ? $"; did you mean {near}?" : "";
                    problems.Add(new SettingProblem(source, Printable.Text(name), null, null, $"{Printable.Text(name)} is not a known key{hint}"));
                }
            }
        }
    }
}
