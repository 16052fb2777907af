using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Parses JSON files of tokenizers.</summary>
internal static class TokenizerJson
{
    /// <exception cref="ModelConfigurationException">The file is not readable, too large or not valid JSON.</exception>
    public static JsonDocument Parse(IModelFiles files, string name)
    {
        string path = files.Place(name);
        try
        {
            using Stream stream = files.OpenFile(name);
            return JsonDocument.Parse(stream, StrictJson.Options);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new ModelConfigurationException(path, null, $"not readable as JSON: {e.Message}", e);
        }
    }
}
