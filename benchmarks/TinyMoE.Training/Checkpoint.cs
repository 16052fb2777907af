using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace TinyMoE.Training;

/// <summary>Reads and writes safetensors files and model folders.</summary>
internal static class Checkpoint
{
    public const string WeightsFile = "model.safetensors";
    public const string ConfigFile = "config.json";

    /// <summary>Writes config.json and the weights rounded to bf16 (nearest, ties to even).</summary>
    public static void SaveModel(string folder, ModelShape shape, IReadOnlyDictionary<string, Tensor> weights)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, ConfigFile), shape.ToConfigJson());
        using var scope = NewDisposeScope();
        var rounded = shape.Parameters().Select(p => (p.Name, weights[p.Name].detach().to(bfloat16)));
        WriteTensors(Path.Combine(folder, WeightsFile), rounded, new() { ["format"] = "pt" });
    }

    /// <summary>Reads a model folder into a decoder of the given element type.</summary>
    /// <exception cref="InvalidDataException">A parameter is absent, or has another type or size than the configuration says.</exception>
    public static Decoder LoadModel(string folder, ScalarType dtype)
    {
        var shape = ModelShape.FromConfigJson(File.ReadAllText(Path.Combine(folder, ConfigFile)));
        var file = File.ReadAllBytes(Path.Combine(folder, WeightsFile));
        var headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        var data = file.AsMemory(8 + headerLength);
        var weights = new Dictionary<string, Tensor>();
        foreach (var (name, size) in shape.Parameters())
        {
            if (!header.RootElement.TryGetProperty(name, out var entry))
                throw new InvalidDataException($"{WeightsFile} holds no {name}.");
            var stored = entry.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64());
            if (entry.GetProperty("dtype").GetString() != "BF16" || !stored.SequenceEqual(size))
                throw new InvalidDataException($"{name} is {entry}, not BF16 of shape [{string.Join(", ", size)}].");
            var offsets = entry.GetProperty("data_offsets");
            var bytes = data[offsets[0].GetInt32()..offsets[1].GetInt32()];
            weights[name] = tensor(WidenBf16(bytes.Span)).reshape(size).to(dtype);
        }
        return new Decoder(shape, weights);
    }

    /// <summary>Writes a safetensors file: header length, JSON header padded to 8 bytes, data in order.</summary>
    public static void WriteTensors(string path, IEnumerable<(string Name, Tensor Value)> tensors, Dictionary<string, string> metadata)
    {
        var header = new JsonObject { ["__metadata__"] = JsonSerializer.SerializeToNode(metadata) };
        using var data = new MemoryStream();
        foreach (var (name, value) in tensors)
        {
            var begin = data.Length;
            using var dense = value.contiguous();
            data.Write(dense.bytes);
            header[name] = new JsonObject
            {
                ["dtype"] = TypeName(value.dtype),
                ["shape"] = JsonSerializer.SerializeToNode(value.shape),
                ["data_offsets"] = new JsonArray(begin, data.Length),
            };
        }
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        var padded = new byte[(json.Length + 7) / 8 * 8];
        Array.Fill(padded, (byte)' ');
        json.CopyTo(padded, 0);

        // A run that is cut off while it writes leaves the last whole checkpoint behind.
        var temporary = path + ".part";
        using (var file = File.Create(temporary))
        {
            file.Write(BitConverter.GetBytes((ulong)padded.Length));
            file.Write(padded);
            file.Write(data.GetBuffer().AsSpan(0, (int)data.Length));
        }
        File.Move(temporary, path, overwrite: true);
    }

    private static float[] WidenBf16(ReadOnlySpan<byte> bytes)
    {
        var values = new float[bytes.Length / 2];
        for (var i = 0; i < values.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16);
        return values;
    }

    private static string TypeName(ScalarType type) => type switch
    {
        ScalarType.BFloat16 => "BF16",
        ScalarType.Float32 => "F32",
        ScalarType.Byte => "U8",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No safetensors name for this element type."),
    };
}
