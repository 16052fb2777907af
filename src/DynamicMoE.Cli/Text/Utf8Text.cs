using System.Text;

namespace DynamicMoE.Cli.Text;

/// <summary>Cuts UTF-8 without splitting a character.</summary>
internal static class Utf8Text
{
    /// <summary>The longest prefix of at most <paramref name="limit"/> bytes that ends between two characters.</summary>
    public static int CutAt(ReadOnlySpan<byte> text, int limit)
    {
        if (text.Length <= limit)
        {
            return text.Length;
        }

        // Continuation bytes are 10xxxxxx; a character starts at any other.
        int end = limit;
        while (end > 0 && (text[end] & 0xC0) == 0x80)
        {
            end--;
        }

        return end;
    }

    /// <summary>Decodes strictly.</summary>
    /// <param name="text">Bytes.</param>
    /// <param name="name">What the message calls them.</param>
    /// <exception cref="ToolException">The bytes are not UTF-8.</exception>
    public static string Decode(ReadOnlySpan<byte> text, string name)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text);
        }
        catch (DecoderFallbackException error)
        {
            throw new ToolException($"{name} is not UTF-8 text: invalid bytes at offset {error.Index}");
        }
    }
}
