using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>Text of an answer, piece by piece, up to the first of its stop texts. What could be the begin of one is held back until that is decided.</summary>
internal sealed class AnswerText(ITextTokenizer tokenizer, IReadOnlyList<string> stops)
{
    private readonly TextAssembler _assembler = new(tokenizer);
    private string _held = "";

    /// <summary>Takes a token.</summary>
    /// <returns>The text that is now certain, and whether a stop text came.</returns>
    public (string Text, bool Stopped) Push(int token) => Add(_assembler.Push(token), last: false);

    /// <summary>No token follows, since as many came as were asked for.</summary>
    /// <returns>What was held back, and whether a stop text is in it.</returns>
    public (string Text, bool Stopped) End() => Add(_assembler.Flush(), last: true);

    /// <summary>No token follows, since the model ended the text.</summary>
    /// <returns>What was held back.</returns>
    public string Flush() => End().Text;

    private (string Text, bool Stopped) Add(string piece, bool last)
    {
        string text = _held + piece;
        int stop = FirstStop(text);
        if (stop >= 0)
        {
            _held = "";
            return (text[..stop], true);
        }

        int certain = last ? text.Length : text.Length - HeldLength(text);
        _held = text[certain..];
        return (text[..certain], false);
    }

    private int FirstStop(string text)
    {
        int first = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            first = at >= 0 && (first < 0 || at < first) ? at : first;
        }

        return first;
    }

    // The longest end of the text that begins a stop text.
    private int HeldLength(string text)
    {
        int held = 0;
        foreach (string stop in stops)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > held; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                {
                    held = length;
                }
            }
        }

        return held;
    }
}
