using System.Text;

namespace DynamicMoE.Hosting;

/// <summary>Makes text from files and variables fit for messages: short, and without control characters.</summary>
internal static class Printable
{
    private const int MaxLength = 120;

    /// <summary>Cut after 120 characters, control characters and surrogates as \uXXXX.</summary>
    internal static string Text(string text)
    {
        var result = new StringBuilder();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxLength)))
        {
            _ = char.IsControl(c) || char.IsSurrogate(c) ? result.Append($"\\u{(int)c:X4}") : result.Append(c);
        }

        return result.Append(text.Length > MaxLength ? "..." : "").ToString();
    }

    /// <summary>The same in quotes.</summary>
    internal static string Quote(string text) => $"'{Text(text)}'";
}
