using System.Text.Json;

namespace DynamicMoE;

/// <summary>Writes calibrations as JSON: {kind, version, model_hash, layers [{layer, gate_hash, tokens, sensitivity (number or null), gaps [[256 numbers]], scores [{estimator, fallback,
/// values [64 numbers]}]}]}.</summary>
internal static class CalibrationWriter
{
    internal const string Kind = "dynamicmoe.calibration";
    internal const int Version = 2;

    internal static void Write(CalibrationTable table, Stream destination)
    {
        using var json = new Utf8JsonWriter(destination);
        json.WriteStartObject();
        json.WriteString("kind", Kind);
        json.WriteNumber("version", Version);
        json.WriteString("model_hash", table.Model.ToString());
        json.WriteStartArray("layers");
        foreach (LayerCalibration layer in table.Layers)
        {
            Write(json, layer);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        destination.Write("\n"u8);
    }

    private static void Write(Utf8JsonWriter json, LayerCalibration layer)
    {
        json.WriteStartObject();
        json.WriteNumber("layer", layer.Layer);
        json.WriteString("gate_hash", layer.Gate.ToString());
        json.WriteNumber("tokens", layer.Tokens);
        if (layer.Sensitivity is { } sensitivity)
        {
            json.WriteNumber("sensitivity", sensitivity);
        }
        else
        {
            json.WriteNull("sensitivity");
        }

        json.WriteStartArray("gaps");
        foreach (IReadOnlyList<float> gaps in layer.Gaps)
        {
            Write(json, gaps);
        }

        json.WriteEndArray();
        json.WriteStartArray("scores");
        foreach (ScoreQuantiles table in layer.Scores)
        {
            json.WriteStartObject();
            json.WriteString("estimator", table.Estimator);
            json.WriteBoolean("fallback", table.Fallback);
            json.WritePropertyName("values");
            Write(json, table.Values);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<float> values)
    {
        json.WriteStartArray();
        foreach (float value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
