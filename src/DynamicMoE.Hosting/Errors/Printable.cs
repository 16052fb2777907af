using System.Text;

namespace DynamicMoE.Hosting;

/// <summary>Makes text from files and variables fit for messages: short, and without control characters.</summary>
internal static class Printable
{
    private const int MaxLength = 120;

    /// <summary>Control characters and surrogates as \uXXXX, cut after 120 characters.</summary>
    internal static string Text(string text)
    {
        var result = new StringBuilder();
        foreach (char c in text)
        {
            if (result.Length >= MaxLength)
            {
                return result.Append("...").ToString();
            }

            _ = char.IsControl(c) || char.IsSurrogate(c) ? result.Append($"\\u{(int)c:X4}") : result.Append(c);
        }

        return result.ToString();
    }

    /// <summary>The same in quotes.</summary>
    internal static string Quote(string text) => $"'{Text(text)}'";
}
