using System.Globalization;
using System.Text;

namespace DynamicMoE.Models;

/// <summary>Functions that every chat template may call.</summary>
internal static class TemplateFunctions
{
    public static void AddTo(TemplateScope scope, TimeProvider time)
    {
        scope["raise_exception"] = (Callable)(a => throw new TemplateException(TemplateValues.Text(a.Get(0, "message", "")), raised: true));
        scope["namespace"] = (Callable)(a => new Namespace(a.Named.ToDictionary(StringComparer.Ordinal)));
        scope["dict"] = (Callable)(a => a.Named.ToDictionary(StringComparer.Ordinal));
        scope["range"] = (Callable)Range;
        scope["strftime_now"] = (Callable)(a => Format(time.GetLocalNow(), TemplateValues.NeedText(a.Need(0, "format"), "the format of a time")));
    }

    private static List<object?> Range(CallArguments arguments)
    {
        long[] bounds = [.. arguments.Values.Select(v => v as long? ?? throw new TemplateException("range takes integers."))];
        (long first, long last, long step) = bounds switch
        {
            [var end] => (0L, end, 1L),
            [var begin, var end] => (begin, end, 1L),
            [var begin, var end, var stride] when stride != 0 => (begin, end, stride),
            _ => throw new TemplateException("range takes one to three integers; the step is not 0."),
        };
        var values = new List<object?>();
        for (Int128 i = first; step > 0 ? i < last : i > last; i += step)
        {
            if (values.Count == RenderLimits.MaxElements)
            {
                throw new TemplateException($"a range has more than {RenderLimits.MaxElements} elements.");
            }

            values.Add((long)i);
        }

        return values;
    }

    private static string Format(DateTimeOffset time, string format)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            string? specifier = format[i] != '%' || i + 1 == format.Length ? null : format[i + 1] switch
            {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'B' => "MMMM",
                'b' => "MMM",
                'd' => "dd",
                'A' => "dddd",
                'a' => "ddd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'p' => "tt",
                _ => throw new TemplateException($"%{format[i + 1]} is no part of a time that is supported."),
            };
            _ = specifier is null ? text.Append(format[i]) : text.Append(time.ToString(specifier, CultureInfo.InvariantCulture));
            i += specifier is null ? 0 : 1;
        }

        return text.ToString();
    }
}
