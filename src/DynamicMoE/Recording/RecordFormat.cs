using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace DynamicMoE;

/// <summary>The bytes of a record of routing: header and block frames. The README beside this folder has the layout.</summary>
internal static class RecordFormat
{
    internal const int Version = 1, MaxLayers = 65536;

    /// <summary>Bytes of the header without its layers, of one layer in it, and of a block before its payload.</summary>
    internal const int FixedBytes = 80, LayerBytes = 8, FrameBytes = 32;

    /// <summary>Largest payload of a block.</summary>
    internal const int MaxPayload = 1 << 30;

    internal const int KindPass = 1, KindEnd = 2, EndBytes = 16;

    private const int ChecksumAt = 16, ChecksumBytes = 16, VendorAt = 56;

    private static ReadOnlySpan<byte> Magic => "DMOEROUT"u8;

    internal static byte[] WriteHeader(RoutingRecordHeader header)
    {
        var bytes = new byte[FixedBytes + (LayerBytes * header.Layers.Count)];
        Span<byte> span = bytes;
        Magic.CopyTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], bytes.Length);
        BinaryPrimitives.WriteUInt128LittleEndian(span[32..], header.Model.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[48..], (int)header.Format);
        BinaryPrimitives.WriteInt32LittleEndian(span[52..], (int)header.Isa);
        _ = Encoding.ASCII.GetBytes(header.CpuVendor, span[VendorAt..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[72..], header.Layers.Count);
        for (int i = 0; i < header.Layers.Count; i++)
        {
            Span<byte> layer = span[(FixedBytes + (LayerBytes * i))..];
            BinaryPrimitives.WriteInt32LittleEndian(layer, header.Layers[i].Layer);
            BinaryPrimitives.WriteInt32LittleEndian(layer[4..], header.Layers[i].Experts);
        }

        BinaryPrimitives.WriteUInt128LittleEndian(span[ChecksumAt..], XxHash128.HashToUInt128(bytes));
        return bytes;
    }

    /// <summary>Reads and checks a header.</summary>
    /// <exception cref="RoutingRecordException">It is not a header of this version, or damaged.</exception>
    internal static RoutingRecordHeader ReadHeader(RecordSource source)
    {
        byte[] start = source.Take(FixedBytes, "header");
        source.Expect(start.AsSpan().StartsWith(Magic), 0, "not a record of routing: it does not begin with DMOEROUT.");
        int version = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(8));
        source.Expect(version == Version, 8, $"version {version} of routing records, this library reads version {Version}.");
        int layers = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(72));
        source.Expect(layers is >= 1 and <= MaxLayers, 72, $"{layers} layers, between 1 and {MaxLayers} are allowed.");
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(12));
        int needed = FixedBytes + (LayerBytes * layers);
        source.Expect(bytes == needed, 12, $"the header length is {bytes}, {layers} layers take {needed} bytes.");
        byte[] header = [.. start, .. source.Take(needed - FixedBytes, "header")];
        UInt128 stored = BinaryPrimitives.ReadUInt128LittleEndian(header.AsSpan(ChecksumAt));
        header.AsSpan(ChecksumAt, ChecksumBytes).Clear();
        UInt128 actual = XxHash128.HashToUInt128(header);
        source.Expect(stored == actual, ChecksumAt, $"the header is damaged: its checksum is {actual:x32}, {stored:x32} is stored.");
        return Parse(source, header, layers);
    }

    /// <summary>The first 16 bytes of a block; its checksum, over these and the payload, follows.</summary>
    internal static void WriteFrame(Span<byte> frame, int kind, long ordinal, ReadOnlySpan<byte> payload, XxHash128 hash)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], kind);
        BinaryPrimitives.WriteInt64LittleEndian(frame[8..], ordinal);
        BinaryPrimitives.WriteUInt128LittleEndian(frame[ChecksumAt..], Checksum(frame, payload, hash));
    }

    /// <summary>Checksum of a block.</summary>
    internal static UInt128 Checksum(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> payload, XxHash128 hash)
    {
        hash.Reset();
        hash.Append(frame[..ChecksumAt]);
        hash.Append(payload);
        return hash.GetCurrentHashAsUInt128();
    }

    private static RoutingRecordHeader Parse(RecordSource source, ReadOnlySpan<byte> header, int layers)
    {
        ReadOnlySpan<byte> vendor = header.Slice(VendorAt, CpuVendor.MaxLength);
        int length = vendor.IndexOf((byte)0);
        length = length < 0 ? vendor.Length : length;
        source.Expect(
            !vendor[length..].ContainsAnyExcept((byte)0) && header[76..FixedBytes].SequenceEqual("\0\0\0\0"u8), VendorAt, "unused bytes are not zero.");
        var made = new RoutingRecordHeader
        {
            Model = new ModelHash(BinaryPrimitives.ReadUInt128LittleEndian(header[32..])),
            Format = (WeightFormat)BinaryPrimitives.ReadInt32LittleEndian(header[48..]),
            Isa = (InstructionSet)BinaryPrimitives.ReadInt32LittleEndian(header[52..]),
            CpuVendor = Encoding.Latin1.GetString(vendor[..length]),
            Layers = ReadLayers(header[FixedBytes..], layers),
        };
        try
        {
            made.Validate();
            return made;
        }
        catch (RouterConfigurationException e)
        {
            throw source.Broken(32, e.Message, e);
        }
    }

    private static RecordedLayer[] ReadLayers(ReadOnlySpan<byte> bytes, int count)
    {
        var layers = new RecordedLayer[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> layer = bytes[(LayerBytes * i)..];
            layers[i] = new RecordedLayer(BinaryPrimitives.ReadInt32LittleEndian(layer), BinaryPrimitives.ReadInt32LittleEndian(layer[4..]));
        }

        return layers;
    }
}
