using System.Globalization;
using System.Text.Json;

namespace DynamicMoE.Server;

/// <summary>Fields of a JSON object. A null counts as not there.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly string _path;

    /// <param name="element">The object.</param>
    /// <param name="path">Its place in the body, for messages; empty: the body.</param>
    /// <param name="known">Fields that are looked at.</param>
    /// <param name="strict">Whether others are refused.</param>
    /// <exception cref="ProblemException">Not an object, a field that is not known, or one that occurs twice.</exception>
    public JsonFields(JsonElement element, string path, string[] known, bool strict)
    {
        _path = path;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new ProblemException(Problems.Invalid(path, $"{(path.Length == 0 ? "The body" : path)} is {Kind(element)}, an object is needed."));
        }

        foreach (JsonProperty property in element.EnumerateObject())
        {
            string? name = Array.Find(known, property.NameEquals);
            if (name is null && strict)
            {
                throw new ProblemException(Problems.Unknown(Path(property.Name), known));
            }

            if (name is not null && !_fields.TryAdd(name, property.Value))
            {
                throw new ProblemException(Problems.Duplicate(Path(name)));
            }
        }
    }

    /// <summary>A field's place in the body.</summary>
    public string Path(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    /// <summary>A field as it is; null: not there.</summary>
    public JsonElement? Raw(string name) => _fields.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text of a length; null: not there.</summary>
    public string? Text(string name, int least, int most) => Raw(name) is { } value ? Text(value, Path(name), least, most) : null;

    /// <summary>The same for a value that is no field.</summary>
    public static string Text(JsonElement value, string path, int least, int most)
    {
        Require(value, path, JsonValueKind.String, "a text");
        string text = value.GetString()!;
        if (text.Length < least || text.Length > most)
        {
            throw new ProblemException(Problems.Invalid(path, $"{path} has {text.Length} characters, between {least} and {most} are allowed."));
        }

        return text;
    }

    /// <summary>True or false; null: not there.</summary>
    public bool? Flag(string name)
    {
        if (Raw(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw new ProblemException(Problems.Invalid(Path(name), $"{Path(name)} is {Kind(value)}, true or false is needed."));
    }

    /// <summary>An integer of a range; null: not there.</summary>
    public long? Integer(string name, long least, long most) => Raw(name) is { } value ? Integer(value, Path(name), least, most) : null;

    /// <summary>The same for a value that is no field.</summary>
    public static long Integer(JsonElement value, string path, long least, long most)
    {
        Require(value, path, JsonValueKind.Number, "an integer");
        return value.TryGetInt64(out long number) && number >= least && number <= most
            ? number
            : throw new ProblemException(Problems.Invalid(path, $"{path} is {Printable.Cut(value.GetRawText())}, an integer between {least} and {most} is needed."));
    }

    /// <summary>A number of a range; null: not there.</summary>
    public double? Number(string name, double least, double most, bool above = false)
    {
        if (Raw(name) is not { } value)
        {
            return null;
        }

        string path = Path(name);
        Require(value, path, JsonValueKind.Number, "a number");
        return value.TryGetDouble(out double number) && number <= most && (above ? number > least : number >= least)
            ? number
            : throw new ProblemException(Problems.Invalid(path, string.Create(
                CultureInfo.InvariantCulture, $"{path} is {Printable.Cut(value.GetRawText())}, a number {(above ? "above" : "from")} {least} to {most} is needed.")));
    }

    /// <summary>Refuses a value of another kind.</summary>
    public static void Require(JsonElement value, string path, JsonValueKind kind, string needed)
    {
        if (value.ValueKind != kind)
        {
            throw new ProblemException(Problems.Invalid(path, $"{path} is {Kind(value)}, {needed} is needed."));
        }
    }

    /// <summary>A value's kind, for messages.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => value.ValueKind == JsonValueKind.True ? "true" : "false",
    };
}
