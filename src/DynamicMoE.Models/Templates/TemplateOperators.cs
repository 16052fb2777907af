namespace DynamicMoE.Models;

/// <summary>Operators between two values.</summary>
internal static class TemplateOperators
{
    public static bool Compare(string name, object? left, object? right) => name switch
    {
        "==" => Same(left, right),
        "!=" => !Same(left, right),
        "in" => Contains(right, left),
        "not in" => !Contains(right, left),
        "<" => Order(left, right) < 0,
        "<=" => Order(left, right) <= 0,
        ">" => Order(left, right) > 0,
        _ => Order(left, right) >= 0,
    };

    public static object? Apply(string name, object? left, object? right)
    {
        switch (name, left, right)
        {
            case ("~", _, _):
                return Join(TemplateValues.Text(left), TemplateValues.Text(right));
            case ("+", string first, string second):
                return Join(first, second);
            case ("+", List<object?> first, List<object?> second):
                return first.Count + second.Count <= RenderLimits.MaxElements
                    ? first.Concat(second).ToList()
                    : throw new TemplateException($"a list has more than {RenderLimits.MaxElements} elements.");
        }

        if (Integer(left) is { } a && Integer(right) is { } b && name != "/")
        {
            return Apply(name, a, b);
        }

        if (Number(left) is not { } x || Number(right) is not { } y)
        {
            throw new TemplateException($"{TemplateValues.Kind(left)} {name} {TemplateValues.Kind(right)} is not possible.");
        }

        return name switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => y != 0 ? x / y : throw new TemplateException("division by zero."),
            "//" => y != 0 ? Math.Floor(x / y) : throw new TemplateException("division by zero."),
            _ => y != 0 ? x - (y * Math.Floor(x / y)) : throw new TemplateException("division by zero."),
        };
    }

    public static bool Same(object? left, object? right) => (left, right) switch
    {
        (null, null) or (Undefined, Undefined) => true,
        (string a, string b) => a == b,
        (List<object?> a, List<object?> b) => a.Count == b.Count && a.Zip(b).All(pair => Same(pair.First, pair.Second)),
        (Dictionary<string, object?> a, Dictionary<string, object?> b) =>
            a.Count == b.Count && a.All(pair => b.TryGetValue(pair.Key, out object? other) && Same(pair.Value, other)),
        _ => Number(left) is { } x && Number(right) is { } y && x == y,
    };

    /// <summary>Python's <c>value[first:last:step]</c>.</summary>
    public static object? Slice(object? value, object? first, object? last, object? step)
    {
        IReadOnlyList<object?> all = value is string or List<object?> ? TemplateValues.Items(value) : throw new TemplateException($"{TemplateValues.Kind(value)} cannot be sliced.");
        long stride = Integer(step ?? 1L) is { } s and not 0 ? s : throw new TemplateException("the step of a slice is an integer other than 0.");
        long begin = Bound(first, stride > 0 ? 0 : all.Count - 1, all.Count, stride), end = Bound(last, stride > 0 ? all.Count : -1, all.Count, stride);
        var taken = new List<object?>();
        for (long i = begin; stride > 0 ? i < end : i > end; i += stride)
        {
            taken.Add(all[(int)i]);
        }

        return value is string ? string.Concat(taken) : taken;
    }

    private static bool Contains(object? owner, object? value) => owner switch
    {
        string text => text.Contains(TemplateValues.NeedText(value, "the left side of in"), StringComparison.Ordinal),
        List<object?> list => list.Any(item => Same(item, value)),
        Dictionary<string, object?> fields => value is string key && fields.ContainsKey(key),
        Undefined => false,
        _ => throw new TemplateException($"{TemplateValues.Kind(owner)} contains nothing."),
    };

    private static int Order(object? left, object? right)
    {
        if (left is string a && right is string b)
        {
            return string.CompareOrdinal(a, b);
        }

        return Number(left) is { } x && Number(right) is { } y
            ? x.CompareTo(y)
            : throw new TemplateException($"{TemplateValues.Kind(left)} and {TemplateValues.Kind(right)} have no order.");
    }

    private static long Apply(string name, long a, long b)
    {
        try
        {
            return name switch
            {
                "+" => checked(a + b),
                "-" => checked(a - b),
                "*" => checked(a * b),
                "//" => checked((a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)),
                _ => checked(((a % b) + b) % b),
            };
        }
        catch (ArithmeticException)
        {
            throw new TemplateException($"{a} {name} {b} is not possible.");
        }
    }

    private static long Bound(object? given, long fallback, int count, long stride)
    {
        if (given is null)
        {
            return fallback;
        }

        long value = Integer(given) ?? throw new TemplateException($"the bound of a slice is {TemplateValues.Kind(given)}, an integer is needed.");
        value = value < 0 ? value + count : value;
        return stride > 0 ? Math.Clamp(value, 0, count) : Math.Clamp(value, -1, count - 1);
    }

    private static string Join(string a, string b) =>
        (long)a.Length + b.Length <= RenderLimits.MaxCharacters ? a + b : throw new TemplateException($"a text has more than {RenderLimits.MaxCharacters} characters.");

    private static long? Integer(object? value) => value switch
    {
        long integer => integer,
        bool flag => flag ? 1 : 0,
        _ => null,
    };

    private static double? Number(object? value) => value is double number ? number : Integer(value);
}
