using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Reads model.safetensors.index.json: which file holds which tensor. File names are plain names; none may lead out of the directory.</summary>
internal static class ShardIndex
{
    private const long MaxBytes = 100_000_000;

    /// <summary>Reads an index.</summary>
    /// <param name="path">Path of the index.</param>
    /// <returns>File name by tensor name.</returns>
    /// <exception cref="CheckpointFormatException">The index is not readable, not valid, or names a file outside its directory.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        try
        {
            using JsonDocument document = Parse(path);
            return ReadMap(path, document);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // InvalidOperationException: a name that is not valid UTF-8.
            throw new CheckpointFormatException(path, null, $"the index cannot be read: {e.Message}", e);
        }
    }

    private static Dictionary<string, string> ReadMap(string path, JsonDocument document)
    {
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("weight_map", out JsonElement map)
            || map.ValueKind != JsonValueKind.Object)
        {
            throw new CheckpointFormatException(path, null, "weight_map is missing or not an object.");
        }

        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            string? file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
            if (file is null)
            {
                throw new CheckpointFormatException(path, entry.Name, "the file name is not a text.");
            }

            if (!IsPlainName(file))
            {
                throw new CheckpointFormatException(
                    path,
                    entry.Name,
                    $"file {Printable.Quote(file)} is not a plain name that ends in .safetensors; paths are refused.");
            }

            files.Add(entry.Name, file);
        }

        return files.Count > 0 ? files : throw new CheckpointFormatException(path, null, "weight_map is empty.");
    }

    private static JsonDocument Parse(string path)
    {
        long length = new FileInfo(path).Length;
        return length <= MaxBytes
            ? JsonDocument.Parse(File.ReadAllBytes(path), StrictJson.Options)
            : throw new CheckpointFormatException(path, null, $"the index has {length} bytes, at most {MaxBytes} are allowed.");
    }

    private static bool IsPlainName(string file) =>
        file.EndsWith(".safetensors", StringComparison.Ordinal)
        && file.Length is > 12 and < 256
        && file.AsSpan().IndexOfAny("/\\:\0") < 0;
}
