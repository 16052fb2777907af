namespace DynamicMoE.Models;

/// <summary>Tests by name: <c>value is name</c>.</summary>
internal static class TemplateTests
{
    private static readonly Dictionary<string, Func<object?, object?, bool>> Known = new(StringComparer.Ordinal)
    {
        ["defined"] = (v, _) => v is not Undefined,
        ["undefined"] = (v, _) => v is Undefined,
        ["none"] = (v, _) => v is null,
        ["string"] = (v, _) => v is string,
        ["boolean"] = (v, _) => v is bool,
        ["true"] = (v, _) => v is true,
        ["false"] = (v, _) => v is false,
        ["integer"] = (v, _) => v is long,
        ["float"] = (v, _) => v is double,
        ["number"] = (v, _) => v is long or double or bool,
        ["mapping"] = (v, _) => v is Dictionary<string, object?>,
        ["sequence"] = (v, _) => v is string or List<object?> or Dictionary<string, object?>,
        ["iterable"] = (v, _) => v is string or List<object?> or Dictionary<string, object?>,
        ["callable"] = (v, _) => v is Callable,
        ["odd"] = (v, _) => TemplateOperators.Compare("==", TemplateOperators.Apply("%", v, 2L), 1L),
        ["even"] = (v, _) => TemplateOperators.Compare("==", TemplateOperators.Apply("%", v, 2L), 0L),
        ["divisibleby"] = (v, a) => TemplateOperators.Compare("==", TemplateOperators.Apply("%", v, a), 0L),
        ["in"] = (v, a) => TemplateOperators.Compare("in", v, a),
        ["eq"] = TemplateOperators.Same,
        ["equalto"] = TemplateOperators.Same,
        ["=="] = TemplateOperators.Same,
        ["ne"] = (v, a) => !TemplateOperators.Same(v, a),
        ["!="] = (v, a) => !TemplateOperators.Same(v, a),
    };

    public static Func<object?, object?, bool>? Find(string name) => Known.GetValueOrDefault(name);

    /// <summary>Whether an argument follows without parentheses.</summary>
    public static bool HasArgument(string name) => name is "divisibleby" or "in" or "eq" or "equalto" or "==" or "ne" or "!=";
}
