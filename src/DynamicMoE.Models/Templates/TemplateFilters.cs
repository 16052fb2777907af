using System.Globalization;

namespace DynamicMoE.Models;

/// <summary>A filter: <c>value | name(arguments)</c>.</summary>
internal delegate object? TemplateFilter(object? value, CallArguments arguments);

/// <summary>Filters by name.</summary>
internal static class TemplateFilters
{
    private static readonly Dictionary<string, TemplateFilter> Known = new(StringComparer.Ordinal)
    {
        ["trim"] = (v, a) => TemplateMethods.Strip(TemplateValues.Text(v), a.Get(0, "chars"), start: true, end: true),
        ["tojson"] = (v, a) => TemplateJson.Write(v, a.Get(0, "indent")),
        ["length"] = (v, _) => Length(v),
        ["count"] = (v, _) => Length(v),
        ["upper"] = (v, _) => TemplateValues.Text(v).ToUpperInvariant(),
        ["lower"] = (v, _) => TemplateValues.Text(v).ToLowerInvariant(),
        ["capitalize"] = (v, _) => TemplateMethods.Capitalize(TemplateValues.Text(v)),
        ["title"] = (v, _) => TemplateMethods.Title(TemplateValues.Text(v)),
        ["string"] = (v, _) => TemplateValues.Text(v),
        ["safe"] = (v, _) => v,
        ["int"] = (v, a) => Integer(v, a),
        ["float"] = (v, _) => v is double ? v : double.TryParse(TemplateValues.Text(v), CultureInfo.InvariantCulture, out double number) ? number : 0.0,
        ["abs"] = (v, _) => v is long n ? (n >= 0 ? n : TemplateOperators.Apply("-", 0L, n)) : v is double d ? Math.Abs(d) : throw new TemplateException("abs needs a number."),
        ["default"] = Default,
        ["d"] = Default,
        ["first"] = (v, _) => TemplateValues.Items(v) is { Count: > 0 } items ? items[0] : new Undefined("first"),
        ["last"] = (v, _) => TemplateValues.Items(v) is { Count: > 0 } items ? items[^1] : new Undefined("last"),
        ["list"] = (v, _) => TemplateValues.Items(v).ToList(),
        ["reverse"] = (v, _) => v is string text ? string.Concat(text.Reverse()) : TemplateValues.Items(v).Reverse().ToList(),
        ["items"] = (v, _) => v is Undefined ? new List<object?>() : TemplateMethods.Pairs(v),
        ["join"] = (v, a) => Join(TemplateValues.Items(v), TemplateValues.Text(a.Get(0, "d", ""))),
        ["replace"] = (v, a) => TemplateMethods.Replace(TemplateValues.Text(v), a.Need(0, "old"), a.Need(1, "new")),
        ["map"] = (v, a) => Map(v, a),
        ["selectattr"] = (v, a) => Select(v, a, wanted: true),
        ["rejectattr"] = (v, a) => Select(v, a, wanted: false),
    };

    public static TemplateFilter? Find(string name) => Known.GetValueOrDefault(name);

    public static string Join(IReadOnlyList<object?> items, string separator)
    {
        List<string> texts = [.. items.Select(TemplateValues.Text)];
        return texts.Sum(t => (long)t.Length + separator.Length) <= RenderLimits.MaxCharacters
            ? string.Join(separator, texts)
            : throw new TemplateException($"a text has more than {RenderLimits.MaxCharacters} characters.");
    }

    private static long Length(object? value) => value is string text ? text.Length : TemplateValues.Items(value).Count;

    private static object? Default(object? value, CallArguments arguments) =>
        value is Undefined || (TemplateValues.IsTrue(arguments.Get(1, "boolean", false)) && !TemplateValues.IsTrue(value)) ? arguments.Get(0, "default_value", "") : value;

    private static object? Integer(object? value, CallArguments arguments) => value switch
    {
        long => value,
        bool flag => flag ? 1L : 0L,
        double number when Math.Abs(number) < long.MaxValue => (long)number,
        _ => long.TryParse(TemplateValues.Text(value), CultureInfo.InvariantCulture, out long integer) ? integer : arguments.Get(0, "default", 0L),
    };

    private static List<object?> Map(object? value, CallArguments arguments)
    {
        if (arguments.Get(1, "attribute") is string name)
        {
            return [.. TemplateValues.Items(value).Select(item => TemplateValues.Index(item, name))];
        }

        string filter = TemplateValues.NeedText(arguments.Need(0, "filter"), "the filter of map");
        TemplateFilter run = Find(filter) ?? throw new TemplateException($"filter {Printable.Quote(filter)} is not supported.");
        var rest = arguments with { Values = [.. arguments.Values.Skip(1)] };
        return [.. TemplateValues.Items(value).Select(item => run(item, rest))];
    }

    private static List<object?> Select(object? value, CallArguments arguments, bool wanted)
    {
        string name = TemplateValues.NeedText(arguments.Need(0, "attribute"), "the attribute");
        Func<object?, object?, bool> test = static (v, _) => TemplateValues.IsTrue(v);
        if (arguments.Get(1, "test") is string testName)
        {
            test = TemplateTests.Find(testName) ?? throw new TemplateException($"test {Printable.Quote(testName)} is not supported.");
        }

        object? argument = arguments.Get(2, "value");
        return [.. TemplateValues.Items(value).Where(item => test(TemplateValues.Index(item, name), argument) == wanted)];
    }
}
