using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace DynamicMoE.Models.Tests.Packing;

/// <summary>The bytes of a packed file, to be damaged. Offsets are those of the format, written out once more on purpose.</summary>
internal sealed class PackedBytes(byte[] bytes)
{
    public const int Order = 8, Version = 12, HeaderBytes = 16, SectionCount = 20, Checksum = 24, Layout = 40, Format = 44, FileBytes = 48,
        Reserved = 56;

    private const int Table = 64, Entry = 96, OffsetAt = 64, LengthAt = 72, ChecksumAt = 80;

    public byte[] Bytes { get; private set; } = [.. bytes];

    public int Sections => BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(SectionCount));

    public void SetInt32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(Bytes.AsSpan(at), value);

    public void SetInt64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(Bytes.AsSpan(at), value);

    public void Resize(int length)
    {
        byte[] copy = Bytes;
        Array.Resize(ref copy, length);
        Bytes = copy;
    }

    public string Name(int section) => Encoding.ASCII.GetString(Bytes.AsSpan(Table + (section * Entry), 64)).TrimEnd('\0');

    public int Find(string name) => Enumerable.Range(0, Sections).Single(section => Name(section) == name);

    public void SetName(int section, ReadOnlySpan<byte> name)
    {
        Span<byte> field = Bytes.AsSpan(Table + (section * Entry), 64);
        field.Clear();
        name.CopyTo(field);
    }

    public long Offset(int section) => BinaryPrimitives.ReadInt64LittleEndian(Bytes.AsSpan(Table + (section * Entry) + OffsetAt));

    public long Length(int section) => BinaryPrimitives.ReadInt64LittleEndian(Bytes.AsSpan(Table + (section * Entry) + LengthAt));

    public void SetOffset(int section, long value) => SetInt64(Table + (section * Entry) + OffsetAt, value);

    public void SetLength(int section, long value) => SetInt64(Table + (section * Entry) + LengthAt, value);

    /// <summary>The contents of a section, to be changed in place.</summary>
    public Span<byte> Content(string name) => Bytes.AsSpan((int)Offset(Find(name)), (int)Length(Find(name)));

    /// <summary>Makes a section's checksum right again, and the header's.</summary>
    public void SealSection(string name)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(Bytes.AsSpan(Table + (Find(name) * Entry) + ChecksumAt), XxHash128.HashToUInt128(Content(name)));
        SealHeader();
    }

    /// <summary>Makes the header's checksum right again.</summary>
    public void SealHeader()
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(HeaderBytes));
        if (length < Table || length > Bytes.Length)
        {
            return;
        }

        Bytes.AsSpan(Checksum, 16).Clear();
        BinaryPrimitives.WriteUInt128LittleEndian(Bytes.AsSpan(Checksum), XxHash128.HashToUInt128(Bytes.AsSpan(0, length)));
    }
}
