using System.Text;

namespace DynamicMoE.Server;

/// <summary>Makes text of callers fit for messages: short, and without control characters.</summary>
internal static class Printable
{
    private const int MaxLength = 120;

    /// <summary>The text in quotes, cut after 120 characters, control characters and surrogates as \uXXXX; "missing" for null.</summary>
    public static string Quote(string? text) => text is null ? "missing" : $"'{Cut(text)}'";

    /// <summary>The same without quotes.</summary>
    public static string Cut(string text)
    {
        var result = new StringBuilder();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxLength)))
        {
            _ = char.IsControl(c) || char.IsSurrogate(c) ? result.Append($"\\u{(int)c:X4}") : result.Append(c);
        }

        return result.Append(text.Length > MaxLength ? "..." : "").ToString();
    }
}
