using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>
/// Decayed histogram of logit gaps with bins of equal ratio (32 per octave from 2^-24 to 2^8), so that gates of any scale fit. A gap's bin is
/// the top bits of its float; a gap of infinity (no expert usable) belongs to no bin.
/// </summary>
internal sealed class GapHistogram
{
    private const int Shift = 18;
    private const int FirstKey = (127 - 24) << 5;
    private const int Octaves = 32;

    /// <summary>Bin 0 holds gaps below 2^-24.</summary>
    internal const int Bins = Octaves * 32 + 1;

    private readonly double[] _counts = new double[Bins];

    /// <summary>Decayed number of tokens.</summary>
    internal double Tokens { get; private set; }

    internal void Decay(double factor)
    {
        TensorPrimitives.Multiply<double>(_counts, factor, _counts);
        Tokens *= factor;
    }

    internal void AddToken() => Tokens++;

    internal void AddGap(float gap)
    {
        if (!float.IsPositiveInfinity(gap))
        {
            _counts[BinOf(gap)]++;
        }
    }

    /// <summary>The gap below which lie <paramref name="count"/> of the gaps, linear within a bin.</summary>
    internal double GapAt(double count)
    {
        if (count <= 0)
        {
            return 0;
        }

        double below = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            double inside = _counts[bin];
            if (below + inside >= count)
            {
                double low = LowerEdge(bin);
                return low + (count - below) / inside * (LowerEdge(bin + 1) - low);
            }

            below += inside;
        }

        return double.PositiveInfinity;
    }

    internal void CopyTo(Span<double> counts) => _counts.CopyTo(counts);

    internal void Restore(ReadOnlySpan<double> counts, double tokens)
    {
        counts.CopyTo(_counts);
        Tokens = tokens;
    }

    private static int BinOf(float gap) =>
        Math.Clamp((BitConverter.SingleToInt32Bits(Math.Max(gap, 0)) >> Shift) - FirstKey + 1, 0, Bins - 1);

    private static double LowerEdge(int bin) => bin == 0 ? 0 : BitConverter.Int32BitsToSingle((bin - 1 + FirstKey) << Shift);
}
