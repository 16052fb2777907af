using System.Text;

namespace DynamicMoE.Models;

/// <summary>Every byte of the UTF-8 text is a token: vocabulary 256, no file.</summary>
public sealed class ByteTokenizer : ITextTokenizer
{
    /// <summary>Size of the vocabulary.</summary>
    public const int VocabularySize = 256;

    /// <inheritdoc/>
    public string Name => "bytes";

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Array.ConvertAll(Encoding.UTF8.GetBytes(text), b => (int)b);
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var bytes = new byte[tokens.Count];
        for (int i = 0; i < bytes.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(tokens[i], nameof(tokens));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(tokens[i], VocabularySize, nameof(tokens));
            bytes[i] = (byte)tokens[i];
        }

        return Encoding.UTF8.GetString(bytes);
    }
}
