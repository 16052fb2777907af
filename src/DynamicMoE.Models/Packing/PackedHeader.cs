using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace DynamicMoE.Models;

/// <summary>The first bytes of a packed file: what it is, for which layout of weights, and where its sections are.</summary>
/// <remarks>
/// Little-endian, but for the mark of byte 8. 0: magic; 8: 0x01020304 in the byte order of the weights, which is that of the machine that packed;
/// 12: version; 16: bytes of the header; 20: sections; 24: XXH128 of the header with this field zero; 40: layout of packed weights; 44: weight
/// format; 48: bytes of the file; 56: zero; 64: sections, 96 bytes each: name (64, padded with zeros), offset (8), length (8), XXH128 (16).
/// Sections follow one another in the order of the table, each at the next multiple of 4096, with zeros between them; the last ends the file.
/// </remarks>
/// <param name="Layout">Layout of packed weights.</param>
/// <param name="Format">How experts are kept.</param>
/// <param name="Sections">In the order of the file.</param>
internal sealed record PackedHeader(int Layout, WeightFormat Format, IReadOnlyList<PackedSection> Sections)
{
    public const int Version = 1, FixedBytes = 64, EntryBytes = 96, NameBytes = 64, MaxSections = 65536;

    private const uint ByteOrder = 0x01020304;
    private const int ChecksumAt = 24, ChecksumBytes = 16;

    private static ReadOnlySpan<byte> Magic => "DMOEPACK"u8;

    /// <summary>Bytes of a header.</summary>
    public static int BytesFor(int sections) => FixedBytes + (sections * EntryBytes);

    /// <summary>The header of a file.</summary>
    public byte[] Write()
    {
        var bytes = new byte[BytesFor(Sections.Count)];
        Span<byte> header = bytes;
        Magic.CopyTo(header);
        MemoryMarshal.Write(header[8..], ByteOrder);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], Sections.Count);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], Layout);
        BinaryPrimitives.WriteInt32LittleEndian(header[44..], (int)Format);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], Sections[^1].Offset + Sections[^1].Length);
        for (int i = 0; i < Sections.Count; i++)
        {
            Span<byte> entry = header.Slice(BytesFor(i), EntryBytes);
            PackedSection section = Sections[i];
            _ = Encoding.ASCII.GetBytes(section.Name, entry[..(NameBytes - 1)]);
            BinaryPrimitives.WriteInt64LittleEndian(entry[64..], section.Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[72..], section.Length);
            BinaryPrimitives.WriteUInt128LittleEndian(entry[80..], section.Checksum);
        }

        BinaryPrimitives.WriteUInt128LittleEndian(header[ChecksumAt..], XxHash128.HashToUInt128(bytes));
        return bytes;
    }

    /// <summary>Reads and checks the header of a mapped file. Nothing beyond it is read.</summary>
    /// <exception cref="CheckpointFormatException">It is no packed model, or one of another kind, or damaged.</exception>
    public static PackedHeader Read(MappedFile file)
    {
        Span<byte> start = stackalloc byte[FixedBytes];
        Expect(file.Length >= FixedBytes, file, $"the file has {file.Length} bytes, a packed model has at least {FixedBytes}.");
        file.Read(0, start);
        Expect(start.StartsWith(Magic), file, "not a packed model: it does not begin with DMOEPACK.");
        uint order = MemoryMarshal.Read<uint>(start[8..]);
        Expect(order == ByteOrder, file, $"the byte order mark is 0x{order:X8}, 0x{ByteOrder:X8} is needed: packed on a machine of another byte order.");
        int version = BinaryPrimitives.ReadInt32LittleEndian(start[12..]);
        Expect(version == Version, file, $"version {version} of packed models, this library reads version {Version}.");
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(start[16..]);
        int count = BinaryPrimitives.ReadInt32LittleEndian(start[20..]);
        Expect(count is >= 1 and <= MaxSections, file, $"{count} sections, between 1 and {MaxSections} are allowed.");
        Expect(bytes == BytesFor(count), file, $"the header length is {bytes}, {count} sections take {BytesFor(count)} bytes.");
        Expect(bytes <= file.Length, file, $"truncated: the file has {file.Length} bytes, its header alone {bytes}.");
        var header = new byte[bytes];
        file.Read(0, header);
        return Parse(file, header, count);
    }

    private static PackedHeader Parse(MappedFile file, Span<byte> header, int count)
    {
        UInt128 stored = BinaryPrimitives.ReadUInt128LittleEndian(header[ChecksumAt..]);
        header.Slice(ChecksumAt, ChecksumBytes).Clear();
        UInt128 actual = XxHash128.HashToUInt128(header);
        Expect(stored == actual, file, $"the header is damaged: its checksum is {actual:x32}, {stored:x32} is stored.");
        int layout = BinaryPrimitives.ReadInt32LittleEndian(header[40..]);
        int current = ExpertBank.PackedLayoutVersion;
        Expect(layout == current, file, $"its weights have layout {layout}, this library uses layout {current}; pack the checkpoint again.");
        long reserved = BinaryPrimitives.ReadInt64LittleEndian(header[56..]);
        Expect(reserved == 0, file, $"bytes 56 to 63 are 0x{reserved:x16}, 0 is needed.");
        int format = BinaryPrimitives.ReadInt32LittleEndian(header[44..]);
        Expect(
            Enum.IsDefined((WeightFormat)format), file, $"weight format {format} is unknown, one of {string.Join(", ", Enum.GetNames<WeightFormat>())} is needed.");
        long length = BinaryPrimitives.ReadInt64LittleEndian(header[48..]);
        Expect(
            length == file.Length,
            file,
            $"{(file.Length < length ? "truncated" : "too long")}: the file has {file.Length} bytes, its header says {length}.");
        return new PackedHeader(layout, (WeightFormat)format, ReadSections(file, header, count));
    }

    // The table describes the whole file without holes, so that there is one way to write a model.
    private static PackedSection[] ReadSections(MappedFile file, ReadOnlySpan<byte> header, int count)
    {
        var sections = new PackedSection[count];
        var names = new HashSet<string>(StringComparer.Ordinal);
        long end = header.Length;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = header.Slice(BytesFor(i), EntryBytes);
            string name = ReadName(file, entry[..NameBytes], i);
            Expect(names.Add(name), file, $"section {Printable.Quote(name)} occurs twice.");
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry[64..]);
            long length = BinaryPrimitives.ReadInt64LittleEndian(entry[72..]);
            long expected = PackedSection.Align(end);
            Expect(offset == expected, file, $"section {Printable.Quote(name)} begins at byte {offset}, {expected} is needed.");
            Expect(
                length >= 1 && length <= file.Length - offset,
                file,
                $"section {Printable.Quote(name)} at byte {offset} has {length} bytes, between 1 and {file.Length - offset} are allowed.");
            end = offset + length;
            sections[i] = new PackedSection(name, offset, length, BinaryPrimitives.ReadUInt128LittleEndian(entry[80..]));
        }

        Expect(end == file.Length, file, $"the sections end at byte {end} of {file.Length}.");
        return sections;
    }

    private static string ReadName(MappedFile file, ReadOnlySpan<byte> bytes, int index)
    {
        int length = bytes.IndexOf((byte)0);
        bool valid = length > 0
            && bytes[..length].IndexOfAnyExceptInRange((byte)0x21, (byte)0x7E) < 0
            && bytes[length..].IndexOfAnyExcept((byte)0) < 0;
        Expect(valid, file, $"the name of section {index} is not 1 to {NameBytes - 1} printable ASCII characters.");
        return Encoding.ASCII.GetString(bytes[..length]);
    }

    private static void Expect(bool condition, MappedFile file, string problem)
    {
        if (!condition)
        {
            throw new CheckpointFormatException(file.Path, null, problem);
        }
    }
}
