namespace DynamicMoE.Models;

/// <summary>Methods of texts and dictionaries. None of them changes its owner.</summary>
internal static class TemplateMethods
{
    private static readonly char[] WhiteSpace = [' ', '\t', '\n', '\r', '\v', '\f'];

    private static readonly Dictionary<string, Func<string, CallArguments, object?>> OfTexts = new(StringComparer.Ordinal)
    {
        ["strip"] = (t, a) => Strip(t, a.Get(0, "chars"), start: true, end: true),
        ["lstrip"] = (t, a) => Strip(t, a.Get(0, "chars"), start: true, end: false),
        ["rstrip"] = (t, a) => Strip(t, a.Get(0, "chars"), start: false, end: true),
        ["startswith"] = (t, a) => Any(a.Need(0, "prefix"), prefix => t.StartsWith(prefix, StringComparison.Ordinal)),
        ["endswith"] = (t, a) => Any(a.Need(0, "suffix"), suffix => t.EndsWith(suffix, StringComparison.Ordinal)),
        ["split"] = (t, a) => Split(t, a.Get(0, "sep"), a.Get(1, "maxsplit")),
        ["upper"] = (t, _) => t.ToUpperInvariant(),
        ["lower"] = (t, _) => t.ToLowerInvariant(),
        ["capitalize"] = (t, _) => Capitalize(t),
        ["title"] = (t, _) => Title(t),
        ["replace"] = (t, a) => Replace(t, a.Need(0, "old"), a.Need(1, "new")),
        ["find"] = (t, a) => (long)t.IndexOf(TemplateValues.NeedText(a.Need(0, "sub"), "what find looks for"), StringComparison.Ordinal),
        ["count"] = (t, a) => (long)t.Split(TemplateValues.NeedText(a.Need(0, "sub"), "what count looks for")).Length - 1,
        ["join"] = (t, a) => TemplateFilters.Join(TemplateValues.Items(a.Need(0, "iterable")), t),
    };

    private static readonly Dictionary<string, Func<Dictionary<string, object?>, CallArguments, object?>> OfDictionaries = new(StringComparer.Ordinal)
    {
        ["items"] = (d, _) => Pairs(d),
        ["keys"] = (d, _) => d.Keys.ToList<object?>(),
        ["values"] = (d, _) => d.Values.ToList(),
        ["get"] = (d, a) => d.TryGetValue(TemplateValues.Text(a.Need(0, "key")), out object? value) ? value : a.Get(1, "default"),
    };

    /// <summary>A method, bound to its owner; null: there is none of this name.</summary>
    public static Callable? Find(object? owner, string name)
    {
        if (owner is string text && OfTexts.TryGetValue(name, out Func<string, CallArguments, object?>? ofText))
        {
            return arguments => ofText(text, arguments);
        }

        return owner is Dictionary<string, object?> fields && OfDictionaries.TryGetValue(name, out Func<Dictionary<string, object?>, CallArguments, object?>? ofFields)
            ? arguments => ofFields(fields, arguments)
            : null;
    }

    public static string Strip(string text, object? characters, bool start, bool end)
    {
        char[] set = characters is null ? WhiteSpace : TemplateValues.NeedText(characters, "what is stripped").ToCharArray();

        // An empty set would mean white space to .NET, and nothing to Python.
        if (set.Length == 0)
        {
            return text;
        }

        string result = start ? text.TrimStart(set) : text;
        return end ? result.TrimEnd(set) : result;
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Title(string text)
    {
        char before = ' ';
        return string.Concat(text.Select(c =>
        {
            char result = char.IsLetter(before) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c);
            before = c;
            return result;
        }));
    }

    public static string Replace(string text, object? old, object? with)
    {
        string from = TemplateValues.NeedText(old, "what is replaced"), to = TemplateValues.NeedText(with, "what it is replaced by");
        if (from.Length == 0)
        {
            throw new TemplateException("an empty text cannot be replaced.");
        }

        long most = text.Length + ((long)text.Length / from.Length * Math.Max(0, to.Length - from.Length));
        return most <= RenderLimits.MaxCharacters ? text.Replace(from, to, StringComparison.Ordinal) : throw new TemplateException($"a text may have more than {RenderLimits.MaxCharacters} characters.");
    }

    public static List<object?> Pairs(object? value) => value is Dictionary<string, object?> fields
        ? [.. fields.Select(object? (pair) => new List<object?> { pair.Key, pair.Value })]
        : throw new TemplateException($"{TemplateValues.Kind(value)} has no items.");

    private static bool Any(object? one, Func<string, bool> test) => one is List<object?> several
        ? several.Any(item => test(TemplateValues.NeedText(item, "an alternative")))
        : test(TemplateValues.NeedText(one, "the argument"));

    private static List<object?> Split(string text, object? separator, object? most)
    {
        int count = most is long n and >= 0 and < int.MaxValue ? (int)n + 1 : int.MaxValue;
        if (separator is not null)
        {
            string between = TemplateValues.NeedText(separator, "the separator");
            return between.Length > 0 ? [.. text.Split(between, count)] : throw new TemplateException("the separator is empty.");
        }

        return [.. text.Split(WhiteSpace, count, StringSplitOptions.RemoveEmptyEntries)];
    }
}
