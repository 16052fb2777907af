using System.Text;
using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>The chat template that lies beside the weights of a checkpoint.</summary>
internal static class ChatTemplateFile
{
    private const string Own = "chat_template.jinja", Key = "chat_template";

    /// <summary>Reads chat_template.jinja, else chat_template of tokenizer_config.json (of several the one named "default"); null when there is none.</summary>
    /// <exception cref="ModelConfigurationException">A file is not readable, too large, empty or not what it should be; names file and key.</exception>
    public static string? Load(IModelFiles files)
    {
        if (files.Has(Own))
        {
            return Text(files);
        }

        if (!files.Has(TokenizerFiles.Settings))
        {
            return null;
        }

        using JsonDocument document = TokenizerJson.Parse(files, TokenizerFiles.Settings);
        string path = files.Place(TokenizerFiles.Settings);
        var settings = new ConfigReader(document.RootElement, path);
        return settings.Has(Key) ? Template(document.RootElement.GetProperty(Key), path) : null;
    }

    /// <summary>The names that <see cref="Load"/> reads.</summary>
    public static IEnumerable<string> Used(IModelFiles files) => new[] { TokenizerFiles.Settings, Own }.Where(files.Has);

    private static string? Template(JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString();
        }

        if (value.ValueKind == JsonValueKind.Array)
        {
            string? chosen = null;
            foreach (JsonElement item in value.EnumerateArray())
            {
                bool named = item.ValueKind == JsonValueKind.Object && IsText(item, "name") && IsText(item, "template");
                if (!named)
                {
                    throw Refuse();
                }

                chosen = item.GetProperty("name").ValueEquals("default") ? item.GetProperty("template").GetString() : chosen;
            }

            return chosen;
        }

        throw Refuse();

        ModelConfigurationException Refuse() => new(path, Key, "a text, or a list of objects with the texts name and template is needed.");

        static bool IsText(JsonElement item, string key) => item.TryGetProperty(key, out JsonElement text) && text.ValueKind == JsonValueKind.String;
    }

    private static string Text(IModelFiles files)
    {
        try
        {
            using Stream stream = files.OpenFile(Own);
            using var reader = new StreamReader(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
            return reader.ReadToEnd() is { Length: > 0 } text ? text : throw new ModelConfigurationException(files.Place(Own), null, "the file is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new ModelConfigurationException(files.Place(Own), null, $"not readable as UTF-8 text: {e.Message}", e);
        }
    }
}
