namespace DynamicMoE.TestKit.Routing;

/// <summary>Philox4x32-10 (Salmon et al., SC11) and the noise that DESIGN.md 4.1 makes of one block.</summary>
public static class Philox
{
    /// <summary>One block: four words for a counter of four and a key of two.</summary>
    public static uint[] Block(ReadOnlySpan<uint> counter, ReadOnlySpan<uint> key)
    {
        uint c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
        uint k0 = key[0], k1 = key[1];
        for (int round = 0; round < 10; round++)
        {
            ulong product0 = (ulong)0xD2511F53 * c0;
            ulong product1 = (ulong)0xCD9E8D57 * c2;
            uint next0 = (uint)(product1 >> 32) ^ c1 ^ k0;
            uint next2 = (uint)(product0 >> 32) ^ c3 ^ k1;
            c1 = (uint)product1;
            c3 = (uint)product0;
            c0 = next0;
            c2 = next2;
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }

        return [c0, c1, c2, c3];
    }

    /// <summary>Nearly normal noise: the centred sum of eight uniform 16-bit integers, scaled to deviation 1; exact in binary32.</summary>
    /// <param name="seed">Key: low word, high word.</param>
    /// <param name="position">Counter words 0 and 1.</param>
    /// <param name="expert">Counter word 2; word 3 is 0.</param>
    public static float Noise(ulong seed, long position, int expert)
    {
        uint[] block = Block(
            [(uint)position, (uint)((ulong)position >> 32), (uint)expert, 0],
            [(uint)seed, (uint)(seed >> 32)]);
        int sum = 0;
        foreach (uint word in block)
        {
            sum += (int)(word & 0xFFFF) + (int)(word >> 16);
        }

        return (sum - 262140) * 1.86881e-5f;
    }
}
