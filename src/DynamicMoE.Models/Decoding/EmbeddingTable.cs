namespace DynamicMoE.Models;

/// <summary>Token embeddings, kept in the stored type and widened row by row.</summary>
internal sealed class EmbeddingTable
{
    private readonly int _hidden;
    private readonly float[] _floats;
    private readonly ushort[] _bits;
    private readonly bool _half;

    private EmbeddingTable(int hidden, float[] floats, ushort[] bits, bool half)
    {
        _hidden = hidden;
        _floats = floats;
        _bits = bits;
        _half = half;
    }

    /// <summary>Reads the table; null when it is not finite.</summary>
    public static EmbeddingTable? Read(SafetensorsFile file, TensorInfo tensor, int hidden)
    {
        if (tensor.Type == TensorType.F32)
        {
            var floats = GC.AllocateUninitializedArray<float>((int)tensor.ElementCount);
            file.ReadFloat32(tensor, floats);
            return Array.TrueForAll(floats, float.IsFinite) ? new EmbeddingTable(hidden, floats, [], half: false) : null;
        }

        var bits = GC.AllocateUninitializedArray<ushort>((int)tensor.ElementCount);
        file.ReadBits16(tensor, bits);
        bool half = tensor.Type == TensorType.F16;
        int exponent = half ? 0x7C00 : 0x7F80;
        return Array.TrueForAll(bits, b => (b & exponent) != exponent) ? new EmbeddingTable(hidden, [], bits, half) : null;
    }

    /// <summary>Copies a token's row.</summary>
    public void CopyRow(int token, Span<float> destination)
    {
        long start = (long)token * _hidden;
        if (_floats.Length > 0)
        {
            _floats.AsSpan((int)start, _hidden).CopyTo(destination);
            return;
        }

        ReadOnlySpan<ushort> row = _bits.AsSpan((int)start, _hidden);
        for (int i = 0; i < row.Length; i++)
        {
            destination[i] = _half ? (float)BitConverter.UInt16BitsToHalf(row[i]) : BitConverter.UInt32BitsToSingle((uint)row[i] << 16);
        }
    }
}
