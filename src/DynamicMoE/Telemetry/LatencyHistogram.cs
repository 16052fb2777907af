namespace DynamicMoE;

/// <summary>
/// Durations of a sliding window: a ring of time slots, each a histogram with bins of equal ratio (16 per octave from 1 us to about 67 s), so that
/// a percentile is known to 1/16 of its value or better. Allocates nothing after construction. Not thread-safe.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int Shift = 52 - 4;
    private const int PerOctave = 16;
    private const int Octaves = 26;
    private const int Bins = (Octaves * PerOctave) + 2;
    private static readonly long s_firstKey = BitConverter.DoubleToInt64Bits(1e-6) >> Shift;

    private readonly int[][] _slots;
    private readonly int[] _sum = new int[Bins];
    private int _current;

    internal LatencyHistogram(int slots) => _slots = [.. Enumerable.Range(0, slots).Select(_ => new int[Bins])];

    /// <summary>Durations in the window.</summary>
    internal int Count { get; private set; }

    internal void Add(double seconds)
    {
        long key = (BitConverter.DoubleToInt64Bits(Math.Max(seconds, 0)) >> Shift) - s_firstKey + 1;
        int bin = (int)Math.Clamp(key, 0, Bins - 1);
        _slots[_current][bin]++;
        _sum[bin]++;
        Count++;
    }

    /// <summary>Begins the next slot; the oldest is forgotten.</summary>
    internal void Rotate()
    {
        _current = (_current + 1) % _slots.Length;
        int[] oldest = _slots[_current];
        for (int bin = 0; bin < Bins; bin++)
        {
            _sum[bin] -= oldest[bin];
            Count -= oldest[bin];
        }

        Array.Clear(oldest);
    }

    internal void Clear()
    {
        foreach (int[] slot in _slots)
        {
            Array.Clear(slot);
        }

        Array.Clear(_sum);
        Count = 0;
    }

    /// <summary>The duration that a share of the window does not exceed, in seconds: the upper edge of its bin. 0 for an empty window.</summary>
    internal double Quantile(double share)
    {
        long wanted = (long)Math.Ceiling(share * Count);
        long seen = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            seen += _sum[bin];
            if (seen >= wanted && seen > 0)
            {
                return BitConverter.Int64BitsToDouble((bin + s_firstKey) << Shift);
            }
        }

        return 0;
    }
}
