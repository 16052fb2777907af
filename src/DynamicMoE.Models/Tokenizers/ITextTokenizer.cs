namespace DynamicMoE.Models;

/// <summary>Turns text into token ids and back. Implementations may be used by many threads at once.</summary>
public interface ITextTokenizer
{
    /// <summary>What kind of tokenizer it is, for people.</summary>
    string Name { get; }

    /// <summary>Turns text into ids, with the tokens that the checkpoint puts in front.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>Ids; empty for an empty text unless something is put in front.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    IReadOnlyList<int> Encode(string text);

    /// <summary>Turns ids into text. Bytes that are not whole characters become U+FFFD.</summary>
    /// <param name="tokens">Ids of the vocabulary.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="tokens"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is not of the vocabulary.</exception>
    string Decode(IReadOnlyList<int> tokens);
}
