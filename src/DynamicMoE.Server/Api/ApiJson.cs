using System.Text.Encodings.Web;
using System.Text.Json;

namespace DynamicMoE.Server;

/// <summary>How JSON is written.</summary>
internal static class ApiJson
{
    // Answers are JSON documents, never parts of a page: only what JSON itself needs is escaped.
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Writes a number that may not be one as null, which JSON has.</summary>
    public static void WriteFinite(this Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
        }
    }
}
