namespace DynamicMoE;

/// <summary>
/// Remembers which rows were missing lately, by a part of their keys in a table of fixed size. A full cache takes a row in when it comes for the
/// second time, so that rows that come once neither push others out nor allocate. Races lose a sighting, no more.
/// </summary>
internal sealed class RowSightings
{
    private const int PerRow = 4;

    private readonly ulong[] _seen;

    internal RowSightings(int rows) => _seen = new ulong[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(rows, 1 << 26)) * PerRow];

    /// <summary>Notes a row that is missing.</summary>
    /// <returns>Whether it was missing before.</returns>
    internal bool Note(RowKey key)
    {
        ref ulong slot = ref _seen[key.Low & (uint)(_seen.Length - 1)];
        if (Volatile.Read(ref slot) == key.High)
        {
            return true;
        }

        Volatile.Write(ref slot, key.High);
        return false;
    }
}
