namespace DynamicMoE.Models;

/// <summary>Finds a checkpoint's tokenizer by its files.</summary>
internal static class TokenizerFiles
{
    // Files of tokenizers that are not read. A directory with one of them has a tokenizer; going on without would be wrong.
    private static readonly string[] Unsupported = ["vocab.json", "merges.txt", "spiece.model", "vocab.txt", "tokenizer.tiktoken"];

    /// <summary>Loads tokenizer.model or tokenizer.json; without either takes bytes where the vocabulary fits, else null.</summary>
    /// <exception cref="ModelConfigurationException">The file is not valid, or is of a kind that is not supported; names it.</exception>
    public static ITextTokenizer? Load(string directory, ModelConfig config)
    {
        string model = Path.Combine(directory, "tokenizer.model");
        if (File.Exists(model))
        {
            return SentencePieceModel.Open(model);
        }

        string json = Path.Combine(directory, "tokenizer.json");
        if (File.Exists(json))
        {
            return ByteLevelBpe.Open(json);
        }

        foreach (string name in Unsupported)
        {
            string path = Path.Combine(directory, name);
            if (File.Exists(path))
            {
                throw new ModelConfigurationException(path, null, "this tokenizer file is not supported; tokenizer.model or tokenizer.json is needed.");
            }
        }

        return Bytes(config);
    }

    /// <summary>The tokenizer of a model without files.</summary>
    public static ITextTokenizer? Default(ModelConfig config, ModelLoadOptions options) => options.LoadTokenizer ? Bytes(config) : null;

    private static ByteTokenizer? Bytes(ModelConfig config) =>
        config.VocabularySize == ByteTokenizer.VocabularySize ? new ByteTokenizer() : null;
}
