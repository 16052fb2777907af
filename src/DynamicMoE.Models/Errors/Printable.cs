using System.Text;
using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Makes text from files fit for messages: short, and without control characters.</summary>
internal static class Printable
{
    private const int MaxLength = 120, MaxDimensions = 16;

    /// <summary>The text in quotes, cut after 120 characters, control characters and surrogates as \uXXXX.</summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        var result = new StringBuilder("'");
        foreach (char c in text[..Math.Min(text.Length, MaxLength)])
        {
            _ = char.IsControl(c) || char.IsSurrogate(c) ? result.Append($"\\u{(int)c:X4}") : result.Append(c);
        }

        return result.Append(text.Length > MaxLength ? "...'" : "'").ToString();
    }

    /// <summary>A JSON value as it stands in its file, in quotes.</summary>
    public static string Quote(JsonElement value)
    {
        try
        {
            return Quote(value.GetRawText());
        }
        catch (InvalidOperationException)
        {
            return "a value that is not valid UTF-8";
        }
    }

    /// <summary>Dimensions as [2, 3], cut after 16.</summary>
    public static string Shape(ReadOnlySpan<long> shape) =>
        $"[{string.Join(", ", shape[..Math.Min(shape.Length, MaxDimensions)].ToArray())}{(shape.Length > MaxDimensions ? ", ..." : "")}]";
}
