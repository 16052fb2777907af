using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace DynamicMoE.Models;

/// <summary>Pre-tokenizer of regular expressions in sequence: each cuts the pieces of the one before into matches and what lies between.</summary>
/// <param name="stages">The expressions.</param>
internal sealed class SplitSequence(IReadOnlyList<Regex> stages) : PreTokenizer
{
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => Split(text);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => Split(text.ToString());

    private List<(int Offset, int Length)> Split(string text)
    {
        List<(int Offset, int Length)> pieces = text.Length == 0 ? [] : [(0, text.Length)];
        foreach (Regex stage in stages)
        {
            var next = new List<(int Offset, int Length)>();
            foreach ((int offset, int length) in pieces)
            {
                Cut(stage, text, offset, length, next);
            }

            pieces = next;
        }

        return pieces;
    }

    // The piece is cut out of the text first: look-ahead and anchors must see its end, as in the reference implementation.
    private static void Cut(Regex stage, string text, int offset, int length, List<(int Offset, int Length)> pieces)
    {
        string piece = text.Substring(offset, length);
        int done = 0;
        foreach (ValueMatch match in stage.EnumerateMatches(piece))
        {
            int end = match.Index + match.Length;
            if (match.Length == 0 || SplitsPair(piece, match.Index) || SplitsPair(piece, end))
            {
                continue;
            }

            if (match.Index > done)
            {
                pieces.Add((offset + done, match.Index - done));
            }

            pieces.Add((offset + match.Index, match.Length));
            done = end;
        }

        if (done < length)
        {
            pieces.Add((offset + done, length - done));
        }
    }

    private static bool SplitsPair(string text, int index) => index > 0 && index < text.Length && char.IsSurrogatePair(text[index - 1], text[index]);
}
