namespace DynamicMoE.Models;

/// <summary>The 256 characters that stand for bytes in a byte-level vocabulary (GPT-2's table).</summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] Characters = Build();
    private static readonly Dictionary<char, byte> Bytes = Enumerable.Range(0, 256).ToDictionary(b => Characters[b], b => (byte)b);

    /// <summary>The character of a byte.</summary>
    public static char ToCharacter(byte value) => Characters[value];

    /// <summary>Bytes of a vocabulary entry; null when a character stands for none.</summary>
    public static byte[]? ToBytes(string entry)
    {
        var bytes = new byte[entry.Length];
        for (int i = 0; i < entry.Length; i++)
        {
            if (!Bytes.TryGetValue(entry[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    // Printable bytes stand for themselves; the others get the characters from 256 on, in order.
    private static char[] Build()
    {
        var characters = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[b] = (char)(printable ? b : next++);
        }

        return characters;
    }
}
