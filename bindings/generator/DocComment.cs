using System.Text.RegularExpressions;

namespace DynamicMoE.BindingGenerator;

/// <summary>A documentation comment: a summary, and for functions parameters and the return value.</summary>
/// <remarks>
/// The text comes from the header's bytes, not from clang's comment nodes: clang versions differ in how they split
/// a comment at HTML-like text, and the output must not depend on the version.
/// </remarks>
internal sealed partial record DocComment(string Summary, IReadOnlyDictionary<string, string> Parameters, string Returns)
{
    public static DocComment Empty { get; } = new("", new Dictionary<string, string>(), "");

    /// <summary>Reads the body of a comment, the text between its opening and closing marks.</summary>
    public static DocComment Parse(string body)
    {
        string text = Whitespace().Replace(LineStart().Replace(body, " "), " ");
        string summary = "", returns = "";
        var parameters = new Dictionary<string, string>();
        int start = 0;
        foreach (Match mark in Command().Matches(text).Append(Match.Empty))
        {
            int end = mark.Success ? mark.Index : text.Length;
            string part = text[start..end].Trim();
            if (part.StartsWith("@return ", StringComparison.Ordinal))
                returns = part["@return ".Length..];
            else if (part.StartsWith("@param ", StringComparison.Ordinal))
                AddParameter(parameters, part["@param ".Length..]);
            else
                summary = part;
            start = end;
        }

        return new DocComment(summary, parameters, returns);
    }

    private static void AddParameter(Dictionary<string, string> parameters, string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0)
            throw new GeneratorException($"@param {text} has no text");
        parameters.Add(text[..space], text[(space + 1)..]);
    }

    [GeneratedRegex(@"\r?\n[ \t]*\*?")]
    private static partial Regex LineStart();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();

    [GeneratedRegex(@"@(param|return) ")]
    private static partial Regex Command();
}
