using System.Buffers.Binary;

namespace DynamicMoE;

/// <summary>Reads the payload of a block forwards.</summary>
internal ref struct RecordCursor(RecordSource source, ReadOnlySpan<byte> payload, long offset)
{
    private readonly ReadOnlySpan<byte> _payload = payload;
    private int _at;

    /// <summary>Bytes that are left.</summary>
    internal readonly int Left => _payload.Length - _at;

    /// <summary>Where the next value lies in the file.</summary>
    internal readonly long Offset => offset + _at;

    internal int Int32()
    {
        Need(sizeof(int));
        int value = BinaryPrimitives.ReadInt32LittleEndian(_payload[_at..]);
        _at += sizeof(int);
        return value;
    }

    internal long Int64()
    {
        Need(sizeof(long));
        long value = BinaryPrimitives.ReadInt64LittleEndian(_payload[_at..]);
        _at += sizeof(long);
        return value;
    }

    internal float Single()
    {
        Need(sizeof(float));
        float value = BinaryPrimitives.ReadSingleLittleEndian(_payload[_at..]);
        _at += sizeof(float);
        return value;
    }

    /// <summary>A number of one or two bytes.</summary>
    internal int Small()
    {
        Need(1);
        int value = _payload[_at++];
        if (value < 0x80)
        {
            return value;
        }

        Need(1);
        return (value & 0x7F) | (_payload[_at++] << 7);
    }

    /// <exception cref="RoutingRecordException">The condition does not hold.</exception>
    internal readonly void Expect(bool condition, long at, string problem) => source.Expect(condition, at, problem);

    private readonly void Need(int bytes) => source.Expect(Left >= bytes, Offset, "the block ends within a value.");
}
