using System.Buffers.Binary;
using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Writes some tensors of a checkpoint as one safetensors file, in the types that they are stored in.</summary>
internal static class TensorCopy
{
    /// <exception cref="CheckpointFormatException">A tensor is missing, or has another type or shape.</exception>
    public static void Write(Checkpoint checkpoint, IEnumerable<LayoutTensor> names, Stream destination)
    {
        (SafetensorsFile File, TensorInfo Tensor)[] tensors = [.. names.Select(tensor => checkpoint.Require(tensor.Name, tensor.Shape))];
        byte[] header = Header(tensors.Select(found => found.Tensor));
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        destination.Write(length);
        destination.Write(header);
        var buffer = new byte[1 << 20];
        foreach ((SafetensorsFile file, TensorInfo tensor) in tensors)
        {
            for (long done = 0; done < tensor.ByteCount; done += buffer.Length)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.ByteCount - done));
                file.ReadPart(tensor, done, part);
                destination.Write(part);
            }
        }
    }

    private static byte[] Header(IEnumerable<TensorInfo> tensors)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            long begin = 0;
            json.WriteStartObject();
            foreach (TensorInfo tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.Name());
                WriteNumbers(json, "shape", tensor.Shape);
                WriteNumbers(json, "data_offsets", [begin, begin + tensor.ByteCount]);
                json.WriteEndObject();
                begin += tensor.ByteCount;
            }

            json.WriteEndObject();
        }

        // The format aligns the data to 8 bytes with spaces.
        while (stream.Length % sizeof(long) != 0)
        {
            stream.WriteByte((byte)' ');
        }

        return stream.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
