using System.Globalization;
using System.Text;

namespace DynamicMoE.Models;

/// <summary>Values as Python writes them: <c>json.dumps(value, ensure_ascii=False)</c>, and lists and dictionaries in a text.</summary>
internal static class TemplateJson
{
    private const int MaxDepth = 32;

    public static string Write(object? value, object? indent)
    {
        int blanks = indent is null ? -1 : indent is long n and >= 0 and <= 16 ? (int)n : throw new TemplateException("indent is an integer between 0 and 16.");
        var text = new StringBuilder();
        Write(text, value, blanks, 0, json: true);
        return RenderLimits.Checked(text.ToString());
    }

    public static string Python(object? value)
    {
        var text = new StringBuilder();
        Write(text, value, -1, 0, json: false);
        return RenderLimits.Checked(text.ToString());
    }

    private static void Write(StringBuilder text, object? value, int indent, int depth, bool json)
    {
        if (depth > MaxDepth || text.Length > RenderLimits.MaxCharacters)
        {
            throw new TemplateException($"a value is nested more than {MaxDepth} deep, or too long.");
        }

        switch (value)
        {
            case null when json:
                _ = text.Append("null");
                break;
            case bool flag when json:
                _ = text.Append(flag ? "true" : "false");
                break;
            case string quoted:
                Quote(text, quoted, json ? '"' : '\'');
                break;
            case List<object?> list:
                Sequence(text, '[', ']', list.Count, indent, depth, i => Write(text, list[i], indent, depth + 1, json));
                break;
            case Dictionary<string, object?> fields:
                KeyValuePair<string, object?>[] pairs = [.. fields];
                Sequence(text, '{', '}', pairs.Length, indent, depth, i =>
                {
                    Quote(text, pairs[i].Key, json ? '"' : '\'');
                    _ = text.Append(": ");
                    Write(text, pairs[i].Value, indent, depth + 1, json);
                });
                break;
            case Undefined missing when json:
                throw new TemplateException($"{Printable.Quote(missing.Name)} is not defined.");
            default:
                _ = text.Append(TemplateValues.Text(value));
                break;
        }
    }

    private static void Sequence(StringBuilder text, char open, char close, int count, int indent, int depth, Action<int> item)
    {
        _ = text.Append(open);
        for (int i = 0; i < count; i++)
        {
            _ = text.Append(i == 0 ? "" : indent < 0 ? ", " : ",");
            Line(text, indent, depth + 1);
            item(i);
        }

        if (count > 0)
        {
            Line(text, indent, depth);
        }

        _ = text.Append(close);
    }

    private static void Line(StringBuilder text, int indent, int depth)
    {
        if (indent >= 0)
        {
            _ = text.Append('\n').Append(' ', indent * depth);
        }
    }

    private static void Quote(StringBuilder text, string value, char quote)
    {
        _ = text.Append(quote);
        foreach (char c in value)
        {
            _ = c switch
            {
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                _ when c == quote => text.Append('\\').Append(quote),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }

        _ = text.Append(quote);
    }
}
