namespace DynamicMoE.Models;

/// <summary>Turns a stream of tokens into text as soon as characters are whole.</summary>
/// <param name="tokenizer">Decodes.</param>
public sealed class TextAssembler(ITextTokenizer tokenizer)
{
    private const char Incomplete = '\uFFFD';

    // A character has at most four bytes; a tail that is longer is not going to become one.
    private const int LongestTail = 4;

    private readonly List<int> _pending = [];
    private string _emitted = "";

    /// <summary>Takes a token.</summary>
    /// <param name="token">An id of the vocabulary.</param>
    /// <returns>The text that is now whole; may be empty.</returns>
    public string Push(int token)
    {
        _pending.Add(token);
        string text = tokenizer.Decode(_pending);
        int whole = text.AsSpan().TrimEnd(Incomplete).Length;
        if (text.Length - whole > LongestTail)
        {
            whole = text.Length;
        }

        return Emit(text, whole);
    }

    /// <summary>Gives out what is left, whole or not.</summary>
    /// <returns>The rest; may be empty.</returns>
    public string Flush()
    {
        string text = tokenizer.Decode(_pending);
        string piece = Emit(text, text.Length);
        _pending.Clear();
        _emitted = "";
        return piece;
    }

    // Tokens stay pending after their text is out: a tokenizer may write a token differently at the start of a text.
    private string Emit(string text, int whole)
    {
        if (whole <= _emitted.Length)
        {
            return "";
        }

        string piece = text[_emitted.Length..whole];
        _emitted = text[..whole];
        if (whole == text.Length && _pending.Count > LongestTail)
        {
            _pending.RemoveRange(0, _pending.Count - 1);
            _emitted = tokenizer.Decode(_pending);
        }

        return piece;
    }
}
