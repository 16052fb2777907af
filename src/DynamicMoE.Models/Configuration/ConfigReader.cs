using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Reads typed values by key; null counts as absent. Every failure names the key, its value and what is allowed.</summary>
internal sealed class ConfigReader
{
    private readonly JsonElement _root;
    private readonly string _prefix;

    public ConfigReader(JsonElement root, string file, string prefix = "")
    {
        File = file;
        _prefix = prefix;
        _root = root.ValueKind == JsonValueKind.Object
            ? root
            : throw new ModelConfigurationException(file, prefix.Length == 0 ? null : prefix.TrimEnd('.'), "not a JSON object.");
    }

    public string File { get; }

    /// <summary>Whether the key is there and not null.</summary>
    public bool Has(string key) => Find(key) is not null;

    public int Integer(string key, int minimum, int maximum, int? fallback = null)
    {
        if (Find(key) is not { } value)
        {
            return fallback ?? throw Missing(key);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= minimum && number <= maximum
            ? number
            : throw Refuse(key, $"an integer between {minimum} and {maximum} is needed.");
    }

    public int? OptionalInteger(string key, int minimum, int maximum) => Has(key) ? Integer(key, minimum, maximum) : null;

    public double Number(string key, double above, double maximum, double? fallback = null)
    {
        if (Find(key) is not { } value)
        {
            return fallback ?? throw Missing(key);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number > above && number <= maximum
            ? number
            : throw Refuse(key, $"a number above {above} and at most {maximum} is needed.");
    }

    public bool Boolean(string key, bool fallback) => Find(key)?.ValueKind switch
    {
        null => fallback,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Refuse(key, "true or false is needed."),
    };

    public bool RequiredBoolean(string key) => Has(key) ? Boolean(key, fallback: false) : throw Missing(key);

    public string Text(string key, string? fallback = null)
    {
        if (Find(key) is not { } value)
        {
            return fallback ?? throw Missing(key);
        }

        return value.ValueKind == JsonValueKind.String ? GetString(key, value) : throw Refuse(key, "a text is needed.");
    }

    /// <summary>An array of integers; a single integer counts as an array of one.</summary>
    public int[] Integers(string key, int minimum, int maximum)
    {
        if (Find(key) is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return [Integer(key, minimum, maximum)];
        }

        return [.. value.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) && number >= minimum && number <= maximum
                ? number
                : throw Refuse(key, $"integers between {minimum} and {maximum} are needed."))];
    }

    /// <summary>An object under a key, or null.</summary>
    public ConfigReader? Object(string key) => Find(key) is { } value ? new ConfigReader(value, File, $"{_prefix}{key}.") : null;

    /// <summary>The elements of an array of objects; empty when the key is absent.</summary>
    public IReadOnlyList<ConfigReader> Objects(string key)
    {
        if (Find(key) is not { } value)
        {
            return [];
        }

        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select((item, i) => new ConfigReader(item, File, $"{_prefix}{key}[{i}]."))]
            : throw Refuse(key, "an array is needed.");
    }

    /// <summary>Refuses a key whose presence would change the result in a way that is not supported.</summary>
    public void RequireAbsent(string key, string reason)
    {
        if (Has(key))
        {
            throw Refuse(key, reason);
        }
    }

    /// <summary>Refuses a flag that is not false.</summary>
    public void RequireFalse(string key, string reason)
    {
        if (Boolean(key, fallback: false))
        {
            throw Refuse(key, reason);
        }
    }

    /// <summary>Refuses a text that is there and not the expected one.</summary>
    public void RequireText(string key, string expected)
    {
        if (Has(key) && Text(key) != expected)
        {
            throw Refuse(key, $"only {Printable.Quote(expected)} is supported.");
        }
    }

    /// <summary>The raw value, or null when absent.</summary>
    public JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public ModelConfigurationException Missing(string key) => new(File, _prefix + key, "missing.");

    /// <summary>The value is there but cannot be used.</summary>
    public ModelConfigurationException Refuse(string key, string needed) =>
        new(File, _prefix + key, $"{(Find(key) is { } value ? Printable.Quote(value) : "null")}: {needed}");

    private string GetString(string key, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new ModelConfigurationException(File, _prefix + key, "not valid Unicode.", e);
        }
    }
}
