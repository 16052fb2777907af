namespace DynamicMoE.Hosting;

/// <summary>A setting as it is in force.</summary>
/// <param name="Key">Its place in the file, with dots between levels.</param>
/// <param name="Value">Its value as the file would have it, or null when it is not set. Of <c>monitoring.alert_webhook</c> only scheme and host.</param>
/// <param name="Source">Who set it.</param>
/// <param name="Allowed">What is accepted.</param>
/// <param name="Default">Its value when nobody sets it, or null when it is then not set.</param>
/// <param name="Variable">The environment variable that sets it, or null.</param>
/// <param name="Live">Whether a running process takes a change of the file.</param>
public sealed record SettingValue(string Key, string? Value, SettingSource Source, string Allowed, string? Default, string? Variable, bool Live);

/// <summary>A value and its source, for each setting. Never changes.</summary>
internal sealed class SettingValues
{
    private readonly object?[] _values;
    private readonly SettingSource[] _sources;

    internal SettingValues(object?[] values, SettingSource[] sources)
    {
        _values = values;
        _sources = sources;
    }

    internal T Get<T>(SettingKey<T> key) => (T)_values[key.Index]!;

    internal object? Get(SettingKey key) => _values[key.Index];

    internal SettingSource Source(SettingKey key) => _sources[key.Index];

    /// <summary>These values, those of some settings taken from another set.</summary>
    internal SettingValues With(SettingValues other, Func<SettingKey, bool> chosen)
    {
        object?[] values = [.. _values];
        SettingSource[] sources = [.. _sources];
        foreach (SettingKey key in SettingKeys.All.Where(chosen))
        {
            values[key.Index] = other._values[key.Index];
            sources[key.Index] = other._sources[key.Index];
        }

        return new SettingValues(values, sources);
    }

    /// <summary>Whether a setting has the same value in both.</summary>
    internal bool Same(SettingValues other, SettingKey key) => key.Show(Get(key)) == key.Show(other.Get(key)) && (!key.Secret || Equals(Get(key), other.Get(key)));

    internal SettingValue Show(SettingKey key) => new(
        key.Path, key.Show(Get(key)), Source(key), key.Allowed, key.Show(key.Default), key.Variable, key.Reload != ReloadRule.Restart);
}
