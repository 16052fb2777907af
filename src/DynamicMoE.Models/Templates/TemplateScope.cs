using System.Text;

namespace DynamicMoE.Models;

/// <summary>A value of an expression: null (none), <see cref="Undefined"/>, bool, long, double, string, list, dictionary, <see cref="Namespace"/> or <see cref="Callable"/>.</summary>
internal delegate object? Evaluate(TemplateScope scope);

/// <summary>A statement.</summary>
internal delegate Flow Run(TemplateScope scope);

/// <summary>A function or method.</summary>
internal delegate object? Callable(CallArguments arguments);

/// <summary>Where a statement leads.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>What a name has that nobody set.</summary>
internal sealed class Undefined(string name)
{
    public string Name { get; } = name;
}

/// <summary>What <c>namespace()</c> returns: fields that can be set from inside a loop.</summary>
internal sealed class Namespace(Dictionary<string, object?> fields)
{
    public Dictionary<string, object?> Fields { get; } = fields;
}

/// <summary>Arguments of a call.</summary>
internal sealed record CallArguments(IReadOnlyList<object?> Values, IReadOnlyDictionary<string, object?> Named, RenderLimits Limits)
{
    /// <summary>An argument by place or name; the fallback when it is missing.</summary>
    public object? Get(int place, string name, object? fallback = null) =>
        place < Values.Count ? Values[place] : Named.TryGetValue(name, out object? value) ? value : fallback;

    /// <summary>An argument that has to be there.</summary>
    public object? Need(int place, string name) =>
        place < Values.Count || Named.ContainsKey(name) ? Get(place, name) : throw new TemplateException($"argument {name} is missing.");
}

/// <summary>Bounds of one rendering: a template is as foreign as the checkpoint that it came with.</summary>
internal sealed class RenderLimits
{
    /// <summary>Characters of the result, and of every text on the way, at most.</summary>
    public const int MaxCharacters = 1 << 24;

    /// <summary>Elements of a list at most.</summary>
    public const int MaxElements = 1 << 17;

    private const int MaxSteps = 2_000_000;

    private int _steps;

    /// <summary>Counts a step.</summary>
    public void Step()
    {
        if (++_steps > MaxSteps)
        {
            throw new TemplateException($"the chat template takes more than {MaxSteps} steps.");
        }
    }

    /// <summary>Refuses a text that is too long.</summary>
    public static string Checked(string text) => text.Length <= MaxCharacters ? text : throw new TemplateException($"a text has more than {MaxCharacters} characters.");
}

/// <summary>Names that can be seen from a place of a template.</summary>
internal sealed class TemplateScope
{
    private readonly Dictionary<string, object?> _names = new(StringComparer.Ordinal);
    private readonly TemplateScope? _outer;

    public TemplateScope(StringBuilder output, RenderLimits limits) => (Output, Limits) = (output, limits);

    public TemplateScope(TemplateScope outer, StringBuilder? output = null)
    {
        _outer = outer;
        (Output, Limits) = (output ?? outer.Output, outer.Limits);
    }

    public StringBuilder Output { get; }

    public RenderLimits Limits { get; }

    public object? this[string name]
    {
        get
        {
            for (TemplateScope? scope = this; scope is not null; scope = scope._outer)
            {
                if (scope._names.TryGetValue(name, out object? value))
                {
                    return value;
                }
            }

            return new Undefined(name);
        }
        set => _names[name] = value;
    }

    public void Write(string text)
    {
        if (Output.Length + text.Length > RenderLimits.MaxCharacters)
        {
            throw new TemplateException($"the result has more than {RenderLimits.MaxCharacters} characters.");
        }

        _ = Output.Append(text);
    }
}
