using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>From the layers of a configuration to checked settings.</summary>
internal static class SettingsReader
{
    /// <exception cref="SettingsException">Something is wrong; the message names all of it.</exception>
    internal static DynamicMoESettings Read(IConfiguration configuration) => new(Merge(SettingLayers.Of(configuration)));

    /// <summary>Later layers win. What an earlier one has wrong is refused all the same: it would come into force with the next change of the later ones.</summary>
    private static SettingValues Merge(IReadOnlyList<SettingLayer> layers)
    {
        List<SettingProblem> problems = [];
        HashSet<SettingKey> refused = [];
        object?[] values = [.. SettingKeys.All.Select(key => key.Default)];
        SettingSource[] sources = [.. Enumerable.Repeat(new SettingSource(SettingSourceKind.Default), values.Length)];
        foreach (SettingLayer layer in layers)
        {
            List<SettingProblem> found = [.. layer.Problems];
            foreach (SettingEntry entry in layer.Entries)
            {
                sources[entry.Key.Index] = entry.Source;
                if (entry.Key.Parse(entry, out values[entry.Key.Index]) is { } problem)
                {
                    found.Add(problem);
                    refused.Add(entry.Key);
                }
            }

            problems.AddRange(found.OrderBy(problem => problem.Source.Line ?? 0).ThenBy(problem => problem.Source.Column ?? 0));
        }

        foreach ((SettingKey key, object value) in Presets.Of((SettingsPreset)(values[SettingKeys.Preset.Index] ?? SettingsPreset.None)))
        {
            if (sources[key.Index].Kind == SettingSourceKind.Default)
            {
                values[key.Index] = value;
                sources[key.Index] = new SettingSource(SettingSourceKind.Preset, SettingKeys.Preset.Show(values[SettingKeys.Preset.Index]));
            }
        }

        var merged = new SettingValues(values, sources);
        problems.AddRange(SettingRules.Broken(merged, refused));
        return problems.Count == 0 ? merged : throw new SettingsException(problems);
    }
}
