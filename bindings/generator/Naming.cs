using System.Globalization;

namespace DynamicMoE.BindingGenerator;

/// <summary>C names to C# names.</summary>
internal static class Naming
{
    /// <summary>C# keywords that are not keywords of C, so that a parameter may bear them.</summary>
    private static readonly HashSet<string> Keywords =
    [
        "abstract", "as", "base", "byte", "catch", "checked", "class", "decimal", "delegate", "event", "explicit", "finally",
        "fixed", "foreach", "implicit", "in", "interface", "internal", "is", "lock", "namespace", "new", "null", "object",
        "operator", "out", "override", "params", "private", "protected", "public", "readonly", "ref", "sbyte", "sealed",
        "stackalloc", "string", "this", "throw", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort",
        "using", "virtual",
    ];

    /// <summary><c>dmoe_route_params</c> to <c>DmoeRouteParams</c>, <c>row_stride</c> to <c>RowStride</c>.</summary>
    public static string Pascal(string name) => string.Concat(Words(name).Select(Capitalise));

    /// <summary><c>expert_rows</c> to <c>expertRows</c>.</summary>
    public static string Camel(string name)
    {
        string pascal = Pascal(name);
        return char.ToLowerInvariant(pascal[0]) + pascal[1..];
    }

    /// <summary>The name as an identifier: C# keywords get an @.</summary>
    public static string Identifier(string name) => Keywords.Contains(name) ? "@" + name : name;

    /// <summary><c>dmoe_router</c> to <c>RouterHandle</c>.</summary>
    public static string Handle(string name) => string.Concat(Words(name).Skip(1).Select(Capitalise)) + "Handle";

    /// <summary>Constants without the words that all of them share, and without the E that marks an error.</summary>
    public static IReadOnlyList<string> Constants(IReadOnlyList<string> names)
    {
        string[][] words = [.. names.Select(Words)];
        int shared = 0;
        while (words.All(w => shared < w.Length - 1 && w[shared] == words[0][shared]))
            shared++;
        return [.. words.Select(w => string.Concat(w.Skip(shared + (w[shared] == "E" ? 1 : 0)).Select(Capitalise)))];
    }

    private static string[] Words(string name) => name.Split('_', StringSplitOptions.RemoveEmptyEntries);

    private static string Capitalise(string word) =>
        char.ToUpper(word[0], CultureInfo.InvariantCulture) + word[1..].ToLower(CultureInfo.InvariantCulture);
}
