using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Parses JSON files of tokenizers.</summary>
internal static class TokenizerJson
{
    private const long MaxBytes = 100_000_000;

    /// <exception cref="ModelConfigurationException">The file is not readable, too large or not valid JSON.</exception>
    public static JsonDocument Parse(IModelFiles files, string name)
    {
        string path = files.Place(name);
        try
        {
            using Stream stream = files.OpenFile(name);
            long length = stream.Length;
            return length <= MaxBytes
                ? JsonDocument.Parse(stream, StrictJson.Options)
                : throw new ModelConfigurationException(path, null, $"the file has {length} bytes, at most {MaxBytes} are allowed.");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new ModelConfigurationException(path, null, $"not readable as JSON: {e.Message}", e);
        }
    }
}
