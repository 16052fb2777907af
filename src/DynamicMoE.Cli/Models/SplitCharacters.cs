using System.Text;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>Counts bytes where a character's bytes may lie in several tokens. Decoded alone such a token is U+FFFD, whatever its bytes.</summary>
internal static class SplitCharacters
{
    private const char Incomplete = '\uFFFD';

    // A character has at most four bytes, so that four tokens complete it; the last of them may begin another.
    private const int MostTokens = 8;

    /// <summary>UTF-8 bytes of the text that the first token stands for.</summary>
    /// <param name="tokenizer">Decodes.</param>
    /// <param name="tokens">Tokens of a text, at least 1.</param>
    public static int FirstTokenBytes(ITextTokenizer tokenizer, ReadOnlySpan<int> tokens)
    {
        int[] first = tokens[..Math.Min(MostTokens, tokens.Length)].ToArray();
        for (int count = 1; count <= first.Length; count++)
        {
            string whole = tokenizer.Decode(first[..count]);
            if (whole.Length > 0 && whole[^1] != Incomplete)
            {
                return Encoding.UTF8.GetByteCount(whole) - BytesAfterSplit(tokenizer.Decode(first[1..count]));
            }
        }

        // The text itself has U+FFFD here, or its tokens are not those of a whole text.
        return Encoding.UTF8.GetByteCount(tokenizer.Decode(first[..1]));
    }

    // The bytes that a first character begins elsewhere come out as one U+FFFD each.
    private static int BytesAfterSplit(string rest)
    {
        string characters = rest.TrimStart(Incomplete);
        return rest.Length - characters.Length + Encoding.UTF8.GetByteCount(characters);
    }
}
