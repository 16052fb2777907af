using System.Text.Json;

namespace DynamicMoE;

/// <summary>Reads calibrations strictly: every key is there once, no other is.</summary>
internal sealed class CalibrationReader
{
    private const int MaxBytes = 1 << 28;

    private readonly string _name;

    private CalibrationReader(string name) => _name = name;

    /// <exception cref="RouterConfigurationException">It is no calibration of this version.</exception>
    internal static CalibrationTable Read(Stream source, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(Bytes(source, name), new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            return new CalibrationReader(name).Table(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a text that is not valid UTF-8.
            throw new RouterConfigurationException($"{name}: not readable as JSON: {e.Message}", e);
        }
    }

    private static ReadOnlyMemory<byte> Bytes(Stream source, string name)
    {
        using var held = new MemoryStream();
        var part = new byte[1 << 16];
        for (int read = source.Read(part); read > 0; read = source.Read(part))
        {
            held.Write(part, 0, read);
            if (held.Length > MaxBytes)
            {
                throw new RouterConfigurationException($"{name}: more than {MaxBytes} bytes, too many for a calibration.");
            }
        }

        return held.GetBuffer().AsMemory(0, (int)held.Length);
    }

    private CalibrationTable Table(JsonElement root)
    {
        // Whether it is one at all is said first.
        JsonElement kind = default;
        bool known = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("kind", out kind)
            && kind.ValueKind == JsonValueKind.String && kind.ValueEquals(CalibrationWriter.Kind);
        Expect(known, "kind", $"no calibration: the text '{CalibrationWriter.Kind}' is needed");
        long version = Number(Property(root, "", "version"), "version", 0);
        Expect(version == CalibrationWriter.Version, "version", $"version {version} of calibrations, this library reads version {CalibrationWriter.Version}");
        RequireKeys(root, "", 4);
        ModelHash model = Hash(root, "", "model_hash");
        LayerCalibration[] layers = [.. List(root, "", "layers").Select((item, i) => Layer(item, $"layers[{i}]."))];
        return Checked("layers", () => new CalibrationTable(model, layers));
    }

    private LayerCalibration Layer(JsonElement item, string place)
    {
        RequireKeys(item, place, 6);
        long layer = Number(Property(item, place, "layer"), $"{place}layer", 0);
        ModelHash gate = Hash(item, place, "gate_hash");
        long tokens = Number(Property(item, place, "tokens"), $"{place}tokens", 1);
        double? sensitivity = Sensitivity(Property(item, place, "sensitivity"), $"{place}sensitivity");
        float[][] gaps = [.. List(item, place, "gaps").Select((values, i) => Floats(values, $"{place}gaps[{i}]"))];
        ScoreQuantiles[] scores = [.. List(item, place, "scores").Select((table, i) => Scores(table, $"{place}scores[{i}]."))];
        return Checked(place.TrimEnd('.'), () => new LayerCalibration(checked((int)Math.Min(layer, int.MaxValue)), gate, tokens, gaps, scores, sensitivity));
    }

    private ScoreQuantiles Scores(JsonElement item, string place)
    {
        RequireKeys(item, place, 3);
        JsonElement name = Property(item, place, "estimator");
        Expect(name.ValueKind == JsonValueKind.String && name.GetString()!.Length is > 0 and <= 256, $"{place}estimator", "a name of 1..256 characters is needed");
        JsonElement fallback = Property(item, place, "fallback");
        Expect(fallback.ValueKind is JsonValueKind.True or JsonValueKind.False, $"{place}fallback", "true or false is needed");
        float[] values = Floats(Property(item, place, "values"), $"{place}values");
        return Checked(place.TrimEnd('.'), () => new ScoreQuantiles(name.GetString()!, fallback.GetBoolean(), values));
    }

    private T Checked<T>(string place, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (RouterConfigurationException e)
        {
            throw new RouterConfigurationException($"{_name}: {place}: {e.Message}", e);
        }
    }

    private void RequireKeys(JsonElement item, string place, int count)
    {
        Expect(item.ValueKind == JsonValueKind.Object, place.TrimEnd('.'), "an object is needed");
        int actual = item.EnumerateObject().Count();
        Expect(actual == count, place.TrimEnd('.'), $"{actual} keys, {count} are needed");
    }

    private JsonElement Property(JsonElement item, string place, string key)
    {
        bool there = item.TryGetProperty(key, out JsonElement value);
        Expect(there, place + key, "missing");
        return value;
    }

    private JsonElement.ArrayEnumerator List(JsonElement item, string place, string key)
    {
        JsonElement value = Property(item, place, key);
        Expect(value.ValueKind == JsonValueKind.Array, place + key, "an array is needed");
        return value.EnumerateArray();
    }

    private ModelHash Hash(JsonElement item, string place, string key)
    {
        JsonElement value = Property(item, place, key);
        ModelHash hash = default;
        bool valid = value.ValueKind == JsonValueKind.String && ModelHash.TryParse(value.GetString(), out hash);
        Expect(valid, place + key, $"{ModelHash.Digits} hexadecimal digits are needed");
        return hash;
    }

    private long Number(JsonElement value, string place, long minimum)
    {
        long number = 0;
        bool valid = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out number) && number >= minimum;
        Expect(valid, place, $"an integer of at least {minimum} is needed");
        return number;
    }

    private double? Sensitivity(JsonElement value, string place)
    {
        double number = 0;
        bool valid = value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out number));
        Expect(valid, place, "a number or null is needed");
        return value.ValueKind == JsonValueKind.Null ? null : number;
    }

    private float[] Floats(JsonElement value, string place)
    {
        Expect(value.ValueKind == JsonValueKind.Array, place, "an array of numbers is needed");
        var floats = new List<float>();
        foreach (JsonElement item in value.EnumerateArray())
        {
            float number = 0;
            bool valid = item.ValueKind == JsonValueKind.Number && item.TryGetSingle(out number) && float.IsFinite(number);
            Expect(valid, $"{place}[{floats.Count}]", "a number within the range of float32 is needed");
            floats.Add(number);
        }

        return [.. floats];
    }

    private void Expect(bool condition, string place, string needed)
    {
        if (!condition)
        {
            throw new RouterConfigurationException($"{_name}: {(place.Length == 0 ? "" : $"{place}: ")}{needed}.");
        }
    }
}
