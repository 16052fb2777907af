using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Texts of the tokens that begin and end a sequence, as tokenizer_config.json names them.</summary>
/// <param name="Bos">bos_token; null: none.</param>
/// <param name="Eos">eos_token; null: none.</param>
internal readonly record struct SpecialTokens(string? Bos, string? Eos)
{
    /// <exception cref="ModelConfigurationException">The file is not readable, or a token is neither a text nor an object with the text content.</exception>
    public static SpecialTokens Load(IModelFiles files)
    {
        if (!files.Has(TokenizerFiles.Settings))
        {
            return default;
        }

        using JsonDocument document = TokenizerJson.Parse(files, TokenizerFiles.Settings);
        string path = files.Place(TokenizerFiles.Settings);
        return new SpecialTokens(Read(document.RootElement, "bos_token", path), Read(document.RootElement, "eos_token", path));
    }

    private static string? Read(JsonElement settings, string key, string path)
    {
        if (settings.ValueKind != JsonValueKind.Object || !settings.TryGetProperty(key, out JsonElement token) || token.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        JsonElement text = token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement content) ? content : token;
        return text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : throw new ModelConfigurationException(path, key, "a text, or an object with the text content is needed.");
    }
}
