using System.Buffers.Binary;
using System.IO.Hashing;

namespace DynamicMoE.Tests.Recording;

/// <summary>Records that are not what they should be.</summary>
public sealed class DamagedRecordTests
{
    private const int HeaderBytes = 80 + (2 * 8), Frame = 32;

    [Fact]
    public void Read_WhenTruncatedAnywhere_NamesTheEndOfTheFile()
    {
        byte[] good = Records.Make();
        for (int length = 0; length < good.Length; length++)
        {
            var e = Assert.Throws<RoutingRecordException>(() => Records.ReadAll(good[..length]));
            Assert.Equal("test.rec", e.File);
            Assert.Equal(length, e.Offset);
            Assert.StartsWith($"test.rec: byte {length}: truncated", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_WhenAnyByteIsFlipped_IsRefused()
    {
        byte[] good = Records.Make();
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bytes = [.. good];
            bytes[at] ^= 0x10;
            var e = Assert.Throws<RoutingRecordException>(() => Records.ReadAll(bytes));
            Assert.NotNull(e.Offset);
        }
    }

    [Fact]
    public void Read_WhenAPayloadIsDamaged_NamesItsBlock()
    {
        byte[] bytes = Records.Make();
        bytes[HeaderBytes + Frame + 3] ^= 1;

        var e = Assert.Throws<RoutingRecordException>(() => Records.ReadAll(bytes));

        Assert.Equal(HeaderBytes, e.Offset);
        Assert.Contains("block 0 is damaged", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhenBlocksAreSwapped_SaysSo()
    {
        byte[] good = Records.Make();
        (int first, int second) = (Block(good, 0), Block(good, 1));
        int third = Block(good, 2);
        byte[] bytes = [.. good[..first], .. good[second..third], .. good[first..second], .. good[third..]];

        Assert.Contains("block 1 in the place of block 0", Assert.Throws<RoutingRecordException>(() => Records.ReadAll(bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhenBytesFollow_SaysSo()
    {
        byte[] good = Records.Make();

        var e = Assert.Throws<RoutingRecordException>(() => Records.ReadAll([.. good, 0]));

        Assert.Equal(good.Length, e.Offset);
        Assert.Contains("bytes follow the end", e.Message, StringComparison.Ordinal);
    }

    // Each with what its message must say. The header's checksum is made right again: what is wrong is found by itself.
    [Theory]
    [InlineData(0, 'd', "not a record of routing")]
    [InlineData(8, 2, "version 2 of routing records, this library reads version 1")]
    [InlineData(12, 0, "the header length is")]
    [InlineData(48, 9, "Format (9)")]
    [InlineData(52, 0, "Isa (Auto)")]
    [InlineData(56, 0, "unused bytes are not zero")]
    [InlineData(56, 7, "CpuVendor")]
    [InlineData(72, 0, "0 layers, between 1 and 65536")]
    [InlineData(75, 0x7F, "layers, between 1 and 65536")]
    [InlineData(76, 1, "unused bytes are not zero")]
    [InlineData(83, 0x80, "Layers must have")]
    [InlineData(84, 0, "1..4096 experts")]
    public void Open_WhenTheHeaderIsWrong_SaysWhat(int at, int value, string message)
    {
        byte[] bytes = Records.Make();
        bytes[at] = (byte)value;
        SealHeader(bytes);

        Assert.Contains(message, Assert.Throws<RoutingRecordException>(() => Records.Open(bytes)).Message, StringComparison.Ordinal);
    }

    // Whatever a block with a right checksum says: decisions within the promised ranges or the library's own exception, and nothing else.
    [Fact]
    public void Read_WhenSealedBlocksAreRandom_NeverFailsInAnotherWay()
    {
        byte[] good = Records.Make();
        var random = new Random(11);
        int refused = 0;
        for (int i = 0; i < 4000; i++)
        {
            byte[] bytes = [.. good];
            int start = Block(bytes, random.Next(4));
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start));
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[start + (random.Next(4) == 0 ? random.Next(16) : Frame + random.Next(length))] = (byte)random.Next(256);
            }

            if (BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start)) == length)
            {
                SealBlock(bytes, start);
            }

            refused += Examine(bytes) is null ? 0 : 1;
        }

        Assert.InRange(refused, 1000, 4000);
    }

    [Fact]
    public void Read_WhenALengthIsHuge_AllocatesNoMoreThanTheFileHas()
    {
        byte[] bytes = Records.Make();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(HeaderBytes), 1 << 30);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Contains("truncated", Assert.Throws<RoutingRecordException>(() => Records.ReadAll(bytes)).Message, StringComparison.Ordinal);

        // The step in which a claimed length is believed is 1 MiB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3 << 20);
    }

    private static RoutingRecordException? Examine(byte[] bytes)
    {
        try
        {
            using RoutingRecordReader reader = Records.Open(bytes);
            while (reader.ReadPass())
            {
                for (int layer = 0; layer < 2; layer++)
                {
                    var buffers = new RoutingBuffers(reader.TokenIds.Length, Math.Max(1, reader.MostExperts), reader.Header.Layers[layer].Experts, false);
                    reader.CopyTo(layer, buffers);
                    GivenRoutes.Check(buffers, reader.TokenIds.Length, reader.Header.Layers[layer].Experts);
                }
            }

            return null;
        }
        catch (RoutingRecordException e)
        {
            return e;
        }
    }

    private static int Block(byte[] bytes, int ordinal)
    {
        int at = HeaderBytes;
        for (; ordinal > 0; ordinal--)
        {
            at += Frame + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
        }

        return at;
    }

    private static void SealHeader(byte[] bytes)
    {
        bytes.AsSpan(16, 16).Clear();
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(16), XxHash128.HashToUInt128(bytes.AsSpan(0, HeaderBytes)));
    }

    private static void SealBlock(byte[] bytes, int start)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start));
        byte[] content = [.. bytes.AsSpan(start, 16), .. bytes.AsSpan(start + Frame, length)];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(start + 16), XxHash128.HashToUInt128(content));
    }
}
