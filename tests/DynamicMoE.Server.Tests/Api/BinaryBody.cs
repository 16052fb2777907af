using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace DynamicMoE.Server.Tests;

/// <summary>Bodies as a client makes them.</summary>
internal static class BinaryBody
{
    public static byte[] Of(float[] values, int dim, ushort flags = 0, float quality = float.NaN, double budget = double.NaN) =>
        [.. Header((uint)(values.Length / dim), (uint)dim, 1, flags, quality, budget), .. MemoryMarshal.AsBytes<float>(values)];

    public static byte[] Header(uint tokens, uint dim, ushort type = 1, ushort flags = 0, float quality = float.NaN, double budget = double.NaN, uint layer = 0)
    {
        var header = new byte[40];
        "DMOE"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), layer);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), tokens);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), dim);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(20), type);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(22), flags);
        BinaryPrimitives.WriteSingleLittleEndian(header.AsSpan(24), quality);
        BinaryPrimitives.WriteDoubleLittleEndian(header.AsSpan(32), budget);
        return header;
    }

    public static byte[] Safetensors(string header, ReadOnlySpan<byte> data, ulong? announced = null)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, announced ?? (ulong)Encoding.UTF8.GetByteCount(header));
        return [.. length, .. Encoding.UTF8.GetBytes(header), .. data];
    }
}
