using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace DynamicMoE.Models;

/// <summary>A SentencePiece BPE model (tokenizer.model), as the Llama and Mixtral checkpoints have it.</summary>
public sealed class SentencePieceModel : ITextTokenizer
{
    private readonly LlamaTokenizer _tokenizer;

    private SentencePieceModel(LlamaTokenizer tokenizer) => _tokenizer = tokenizer;

    /// <inheritdoc/>
    public string Name => "SentencePiece BPE";

    /// <summary>Opens tokenizer.model. A tokenizer_config.json beside it says whether a begin-of-text token is put in front (default: yes).</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="ModelConfigurationException">The file is not readable or not a SentencePiece BPE model.</exception>
    public static SentencePieceModel Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(new FolderFiles(Path.GetDirectoryName(path) ?? ""), Path.GetFileName(path));
    }

    internal static SentencePieceModel Open(IModelFiles files, string name)
    {
        bool begin = AddsBegin(files);
        string path = files.Place(name);
        try
        {
            using Stream stream = files.OpenFile(name);
            return new SentencePieceModel(LlamaTokenizer.Create(stream, addBeginOfSentence: begin, addEndOfSentence: false));
        }
        catch (Exception e) when (e is not (OutOfMemoryException or DynamicMoEException))
        {
            // The parser has no exception type of its own: damaged files surface as many kinds.
            throw new ModelConfigurationException(path, null, $"not a SentencePiece BPE model: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _tokenizer.EncodeToIds(text);
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        foreach (int token in tokens)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(token, nameof(tokens));
        }

        return _tokenizer.Decode(tokens);
    }

    private static bool AddsBegin(IModelFiles files)
    {
        if (!files.Has(TokenizerFiles.Settings))
        {
            return true;
        }

        using JsonDocument document = TokenizerJson.Parse(files, TokenizerFiles.Settings);
        return new ConfigReader(document.RootElement, files.Place(TokenizerFiles.Settings)).Boolean("add_bos_token", fallback: true);
    }
}
