namespace DynamicMoE.Models;

/// <summary><c>for</c> with its names, its filter, its <c>loop</c> and its else.</summary>
internal sealed class ForLoop(string[] names, Evaluate list, Evaluate? filter, Run body, Run? otherwise)
{
    public Flow Run(TemplateScope scope)
    {
        IReadOnlyList<object?> items = Items(scope);
        if (items.Count == 0)
        {
            return otherwise?.Invoke(scope) ?? Flow.Next;
        }

        for (int i = 0; i < items.Count; i++)
        {
            scope.Limits.Step();
            var inner = new TemplateScope(scope);
            Assign(inner, items[i]);
            inner["loop"] = Loop(items, i);
            if (body(inner) == Flow.Break)
            {
                break;
            }
        }

        return Flow.Next;
    }

    private IReadOnlyList<object?> Items(TemplateScope scope)
    {
        IReadOnlyList<object?> all = TemplateValues.Items(list(scope));
        if (filter is null)
        {
            return all;
        }

        var kept = new List<object?>();
        foreach (object? item in all)
        {
            scope.Limits.Step();
            var inner = new TemplateScope(scope);
            Assign(inner, item);
            if (TemplateValues.IsTrue(filter(inner)))
            {
                kept.Add(item);
            }
        }

        return kept;
    }

    private void Assign(TemplateScope scope, object? item)
    {
        if (names.Length == 1)
        {
            scope[names[0]] = item;
            return;
        }

        IReadOnlyList<object?> parts = TemplateValues.Items(item);
        if (parts.Count != names.Length)
        {
            throw new TemplateException($"an element has {parts.Count} parts for {names.Length} names.");
        }

        for (int i = 0; i < names.Length; i++)
        {
            scope[names[i]] = parts[i];
        }
    }

    private static Dictionary<string, object?> Loop(IReadOnlyList<object?> items, int i) => new(StringComparer.Ordinal)
    {
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)(items.Count - i),
        ["revindex0"] = items.Count - i - 1L,
        ["first"] = i == 0,
        ["last"] = i == items.Count - 1,
        ["length"] = (long)items.Count,
        ["previtem"] = i > 0 ? items[i - 1] : new Undefined("previtem"),
        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : new Undefined("nextitem"),
    };
}
