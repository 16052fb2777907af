namespace DynamicMoE.Models;

/// <summary>Finds a checkpoint's tokenizer by its files.</summary>
internal static class TokenizerFiles
{
    /// <summary>Says whether tokenizer.model puts a token in front, and may hold the chat template.</summary>
    public const string Settings = "tokenizer_config.json";

    private const string SentencePiece = "tokenizer.model", Bpe = "tokenizer.json";

    // Files of tokenizers that are not read. A checkpoint with one of them has a tokenizer; going on without would be wrong.
    private static readonly string[] Unsupported = ["vocab.json", "merges.txt", "spiece.model", "vocab.txt", "tokenizer.tiktoken"];

    /// <summary>Loads tokenizer.model or tokenizer.json; without either takes bytes where the vocabulary fits, else null.</summary>
    /// <exception cref="ModelConfigurationException">The file is not valid, or is of a kind that is not supported; names it.</exception>
    public static ITextTokenizer? Load(IModelFiles files, ModelConfig config)
    {
        if (files.Has(SentencePiece))
        {
            return SentencePieceModel.Open(files, SentencePiece);
        }

        if (files.Has(Bpe))
        {
            return ByteLevelBpe.Open(files, Bpe);
        }

        return Unsupported.FirstOrDefault(files.Has) is { } name
            ? throw new ModelConfigurationException(
                files.Place(name), null, "this tokenizer file is not supported; tokenizer.model or tokenizer.json is needed.")
            : Bytes(config);
    }

    /// <summary>The names that <see cref="Load"/> reads, and those of the chat template.</summary>
    public static IEnumerable<string> Used(IModelFiles files)
    {
        string tokenizer = files.Has(SentencePiece) ? SentencePiece : Bpe;
        return ChatTemplateFile.Used(files).Prepend(tokenizer).Where(files.Has);
    }

    /// <summary>The tokenizer of a model without files.</summary>
    public static ITextTokenizer? Default(ModelConfig config, ModelLoadOptions options) => options.LoadTokenizer ? Bytes(config) : null;

    private static ByteTokenizer? Bytes(ModelConfig config) =>
        config.VocabularySize == ByteTokenizer.VocabularySize ? new ByteTokenizer() : null;
}
