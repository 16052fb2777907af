using System.Numerics;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>Memory for keys and values: of sequences that were accepted and have not ended, and of sessions that wait for the next. Reserved before a sequence is
/// queued, so that one that was accepted finds its memory.</summary>
/// <param name="capacity">Bytes at most.</param>
internal sealed class SequenceMemory(long capacity)
{
    // A session is made for a little more than its first sequence needs, so that others can have it afterwards.
    private const int LeastPositions = 64, StepsPerOctave = 8;

    private long _reserved;

    public long Capacity => capacity;

    /// <summary>Bytes of sequences that were accepted and have not ended.</summary>
    public long Reserved => Interlocked.Read(ref _reserved);

    /// <summary>Bytes that the settings allow.</summary>
    public static long Allowed(ServingSettings settings) =>
        settings.SequenceMemoryMb is { } given ? (long)given << 20 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <summary>Bytes of a position in a session: keys and values of every layer, the token and its experts.</summary>
    public static long PerPosition(ModelConfig config) => ((long)config.LayerCount * 2 * config.Attention!.KeyValueWidth * sizeof(float)) + sizeof(int) + sizeof(float);

    /// <summary>Longest sequence of a model that fits: no array of a session is longer than arrays can be.</summary>
    public static int MostPositions(ModelConfig config, long capacity) =>
        (int)Math.Clamp(Math.Min(capacity / PerPosition(config), Array.MaxLength / config.Attention!.KeyValueWidth), 1, config.MaxPositions);

    /// <summary>Positions of the session for a sequence.</summary>
    /// <param name="config">The model.</param>
    /// <param name="needed">Positions of the sequence, at most <see cref="MostPositions"/>.</param>
    public int SessionPositions(ModelConfig config, int needed)
    {
        int step = Math.Max(LeastPositions, (int)(BitOperations.RoundUpToPowerOf2((uint)needed) / StepsPerOctave));
        long rounded = ((long)needed + step - 1) / step * step;
        return (int)Math.Min(rounded, Math.Max(needed, MostPositions(config, capacity)));
    }

    /// <summary>Reserves bytes; false when they are not to be had at this moment.</summary>
    public bool TryReserve(long bytes)
    {
        if (Interlocked.Add(ref _reserved, bytes) <= capacity)
        {
            return true;
        }

        Free(bytes);
        return false;
    }

    /// <summary>Ends a reservation.</summary>
    public void Free(long bytes) => Interlocked.Add(ref _reserved, -bytes);
}
