using System.Buffers.Binary;
using System.Text;

namespace DynamicMoE.Models.Tests.Tokenizers;

/// <summary>Writes a small tokenizer.model: the protocol buffer of SentencePiece with the fields that a Llama model has.</summary>
internal static class SentencePieceFile
{
    private const int Normal = 1, Unknown = 2, Control = 3, Byte = 6;

    /// <summary>Pieces by id: unknown, begin, end, the 256 bytes, then words. A merge is worth more the higher its score.</summary>
    public static IReadOnlyList<string> Pieces { get; } =
    [
        "<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"),
        "\u2581", "h", "e", "l", "o", "w", "r", "d", "he", "ll", "hell", "hello", "\u2581hello", "\u2581w",
    ];

    /// <summary>The file's bytes.</summary>
    /// <param name="modelType">2 = BPE, 1 = unigram.</param>
    public static byte[] Create(int modelType = 2)
    {
        var file = new List<byte>();
        for (int id = 0; id < Pieces.Count; id++)
        {
            int type = id switch { 0 => Unknown, < 3 => Control, < 259 => Byte, _ => Normal };
            Message(file, 1, [.. Text(1, Pieces[id]), .. Float(2, id < 259 ? 0 : -(Pieces.Count - id)), .. Number(3, type)]);
        }

        Message(file, 2, [.. Number(3, modelType), .. Number(35, 1), .. Number(40, 0), .. Number(41, 1), .. Number(42, 2)]);
        Message(file, 3, [.. Text(1, "identity"), .. Number(3, 1), .. Number(4, 0), .. Number(5, 1)]);
        return [.. file];
    }

    private static void Message(List<byte> file, int field, byte[] content)
    {
        file.AddRange(Varint((field << 3) | 2));
        file.AddRange(Varint(content.Length));
        file.AddRange(content);
    }

    private static byte[] Text(int field, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        return [.. Varint((field << 3) | 2), .. Varint(bytes.Length), .. bytes];
    }

    private static byte[] Float(int field, float value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        return [.. Varint((field << 3) | 5), .. bytes];
    }

    private static byte[] Number(int field, int value) => [.. Varint(field << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(int value)
    {
        while (value >= 0x80)
        {
            yield return (byte)(value | 0x80);
            value >>= 7;
        }

        yield return (byte)value;
    }
}
