using System.Text.RegularExpressions;

namespace DynamicMoE.Architecture.Tests.Sources;

/// <summary>C# source without what the compiler does not read as code.</summary>
internal static partial class CSharpText
{
    /// <summary>Comments, strings and characters become a space, so that words in them are not found.</summary>
    public static string CodeOnly(string source) => NotCode().Replace(source, " ");

    // In this order: a raw string may hold what looks like the others, a comment may hold a quote.
    [GeneratedRegex("""""
        (?<raw>"{3,})[\s\S]*?\k<raw>(?!")
        |//[^\n]*
        |/\*[\s\S]*?\*/
        |\$?@\$?"(?:[^"]|"")*"
        |"(?:\\.|[^"\\\n])*"
        |'(?:\\.[^'\n]*|[^'\\\n])'
        """"", RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex NotCode();
}
