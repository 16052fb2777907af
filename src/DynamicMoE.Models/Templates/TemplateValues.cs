using System.Globalization;

namespace DynamicMoE.Models;

/// <summary>What values are as texts, truths, lists and owners of fields.</summary>
internal static class TemplateValues
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long integer => integer != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        Dictionary<string, object?> fields => fields.Count > 0,
        _ => true,
    };

    /// <summary>As Python prints it.</summary>
    public static string Text(object? value) => value switch
    {
        null => "None",
        Undefined => "",
        string text => text,
        bool flag => flag ? "True" : "False",
        long integer => integer.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        List<object?> or Dictionary<string, object?> => TemplateJson.Python(value),
        _ => throw new TemplateException($"{Kind(value)} has no text."),
    };

    public static string Number(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return double.IsFinite(value) && text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text;
    }

    /// <summary>What a loop goes through.</summary>
    public static IReadOnlyList<object?> Items(object? value) => value switch
    {
        List<object?> list => list,
        Dictionary<string, object?> fields => [.. fields.Keys],
        string text => [.. text.Select(object? (c) => c.ToString())],
        Undefined => [],
        _ => throw new TemplateException($"{Kind(value)} is no list."),
    };

    public static object? Field(object? owner, string name) => owner switch
    {
        Dictionary<string, object?> fields when fields.TryGetValue(name, out object? value) => value,
        Namespace space => space.Fields.TryGetValue(name, out object? value) ? value : new Undefined(name),
        Undefined missing => throw new TemplateException($"{Printable.Quote(missing.Name)} is not defined."),
        _ => TemplateMethods.Find(owner, name) ?? (object?)new Undefined(name),
    };

    public static object? Index(object? owner, object? index) => (owner, index) switch
    {
        (Undefined missing, _) => throw new TemplateException($"{Printable.Quote(missing.Name)} is not defined."),
        (Dictionary<string, object?> fields, _) => fields.TryGetValue(Text(index), out object? value) ? value : new Undefined(Text(index)),
        (List<object?> list, long i) => Place(i, list.Count) is var at and >= 0 ? list[at] : new Undefined("index"),
        (string text, long i) => Place(i, text.Length) is var at and >= 0 ? text[at].ToString() : new Undefined("index"),
        (_, string name) => Field(owner, name),
        _ => throw new TemplateException($"{Kind(owner)} has no index of {Kind(index)}."),
    };

    public static string NeedText(object? value, string what) => value as string ?? throw new TemplateException($"{what} is {Kind(value)}, a text is needed.");

    public static string Kind(object? value) => value switch
    {
        null => "none",
        Undefined => "undefined",
        bool => "a boolean",
        long or double => "a number",
        string => "a text",
        List<object?> => "a list",
        Dictionary<string, object?> => "a dictionary",
        Callable => "a function",
        _ => "a namespace",
    };

    private static int Place(long index, int count)
    {
        long place = index < 0 ? index + count : index;
        return place >= 0 && place < count ? (int)place : -1;
    }
}
