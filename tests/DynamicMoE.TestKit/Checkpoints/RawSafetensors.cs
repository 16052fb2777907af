using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>Writes safetensors files, and their parts as they are given when a file is to be wrong.</summary>
public sealed class RawSafetensors
{
    private readonly JsonObject _header = new() { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
    private readonly ArrayBufferWriter<byte> _data = new();

    /// <summary>Bytes of tensor data so far.</summary>
    public long DataBytes => _data.WrittenCount;

    /// <summary>Appends a tensor.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="dtype">As the format spells it: F32, BF16, F16, ...</param>
    /// <param name="shape">Dimensions.</param>
    /// <param name="bytes">Little-endian elements.</param>
    public RawSafetensors Add(string name, string dtype, int[] shape, ReadOnlySpan<byte> bytes)
    {
        int start = _data.WrittenCount;
        _data.Write(bytes);
        _header[name] = new JsonObject
        {
            ["dtype"] = dtype,
            ["shape"] = new JsonArray([.. shape.Select(d => (JsonNode)d)]),
            ["data_offsets"] = new JsonArray(start, _data.WrittenCount),
        };
        return this;
    }

    /// <summary>The file's bytes: 8 bytes of header length, the header padded with spaces to 8, the data.</summary>
    public byte[] ToBytes()
    {
        string header = _header.ToJsonString();
        header = header.PadRight((header.Length + 7) / 8 * 8);
        return Compose((ulong)Encoding.UTF8.GetByteCount(header), header, _data.WrittenSpan);
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path) => File.WriteAllBytes(path, ToBytes());

    /// <summary>Joins the three parts unchecked.</summary>
    public static byte[] Compose(ulong headerLength, string header, ReadOnlySpan<byte> data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + text.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, headerLength);
        text.CopyTo(file, 8);
        data.CopyTo(file.AsSpan(8 + text.Length));
        return file;
    }
}
