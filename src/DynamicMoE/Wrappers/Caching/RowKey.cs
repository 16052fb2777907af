using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace DynamicMoE;

/// <summary>Names a row under a gate: XXH128 of its exact bytes.</summary>
/// <param name="Low">64 of the bits.</param>
/// <param name="High">The others.</param>
internal readonly record struct RowKey(ulong Low, ulong High)
{
    // Drawn anew by every process: who does not know it cannot choose rows that collide.
    private static readonly long s_processSeed = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));

    /// <summary>The seed of a gate's keys. The hash of the weights is in it: rows of other weights have other keys.</summary>
    internal static long SeedFor(GateWeights gate)
    {
        UInt128 weights = gate.Hash.Value;
        return s_processSeed ^ (long)(ulong)weights ^ (long)(ulong)(weights >> 64);
    }

    internal static RowKey Of(ReadOnlySpan<float> row, long seed)
    {
        UInt128 hash = XxHash128.HashToUInt128(MemoryMarshal.AsBytes(row), seed);
        return new RowKey((ulong)hash, (ulong)(hash >> 64));
    }

    // The bits are as good as random: the default would only mix them again.
    public override int GetHashCode() => (int)Low;
}
