using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>
/// Decayed histogram of logit gaps with bins of equal ratio (32 per octave from 2^-24 to 2^8), so that gates of any scale fit. A gap's bin is
/// the top bits of its float; a gap of infinity (no expert usable) belongs to no bin. Of each bin the gap that has the majority, if any, is kept
/// beside the count: equal gaps cannot be divided by a threshold.
/// </summary>
internal sealed class GapHistogram
{
    private const int Shift = 18;
    private const int FirstKey = (127 - 24) << 5;
    private const int Octaves = 32;

    /// <summary>Bin 0 holds gaps above 0 and below 2^-24.</summary>
    internal const int Bins = Octaves * 32 + 1;

    private readonly double[] _counts = new double[Bins];
    private readonly float[] _atoms = new float[Bins];
    private readonly double[] _atomCounts = new double[Bins];
    private readonly double[] _votes = new double[Bins];

    /// <summary>Decayed number of tokens.</summary>
    internal double Tokens { get; private set; }

    /// <summary>Decayed number of gaps of 0, which every threshold keeps.</summary>
    internal double Zeros { get; private set; }

    internal void Decay(double factor)
    {
        TensorPrimitives.Multiply<double>(_counts, factor, _counts);
        TensorPrimitives.Multiply<double>(_atomCounts, factor, _atomCounts);
        TensorPrimitives.Multiply<double>(_votes, factor, _votes);
        Tokens *= factor;
        Zeros *= factor;
    }

    internal void AddToken() => Tokens++;

    internal void AddGap(float gap)
    {
        if (float.IsPositiveInfinity(gap))
        {
            return;
        }

        if (gap <= 0)
        {
            Zeros++;
            return;
        }

        int bin = BinOf(gap);
        _counts[bin]++;
        Vote(bin, gap);
    }

    internal double CountOf(int bin) => _counts[bin];

    /// <summary>The gap that most of a bin's tokens share, as far as it has been counted; Count is 0 where no gap has a majority.</summary>
    internal GapAtom AtomOf(int bin) =>
        2 * _atomCounts[bin] > _counts[bin] ? new GapAtom(_atoms[bin], Math.Min(_atomCounts[bin], _counts[bin]), _votes[bin]) : default;

    internal static int BinOf(float gap) =>
        Math.Clamp((BitConverter.SingleToInt32Bits(Math.Max(gap, 0)) >> Shift) - FirstKey + 1, 0, Bins - 1);

    internal static double LowerEdge(int bin) => bin == 0 ? 0 : BitConverter.Int32BitsToSingle((bin - 1 + FirstKey) << Shift);

    /// <summary>Copies the state.</summary>
    internal (double[] Counts, GapAtom[] Atoms) Copy()
    {
        var atoms = new List<GapAtom>();
        for (int bin = 0; bin < Bins; bin++)
        {
            // A count below that says nothing yet, and a snapshot is text.
            if (_atomCounts[bin] >= 1 && 2 * _atomCounts[bin] > _counts[bin])
            {
                atoms.Add(AtomOf(bin));
            }
        }

        return ([.. _counts], [.. atoms]);
    }

    internal void Restore(ReadOnlySpan<double> counts, double tokens, double zeros, IEnumerable<GapAtom> atoms)
    {
        counts.CopyTo(_counts);
        Tokens = tokens;
        Zeros = zeros;
        Array.Clear(_atoms);
        Array.Clear(_atomCounts);
        Array.Clear(_votes);
        foreach (GapAtom atom in atoms)
        {
            int bin = BinOf(atom.Gap);
            (_atoms[bin], _atomCounts[bin], _votes[bin]) = (atom.Gap, atom.Count, atom.Votes);
        }
    }

    // Boyer and Moore's majority vote: a gap that most tokens of the bin share is the candidate, whatever the order they come in.
    private void Vote(int bin, float gap)
    {
        if (gap == _atoms[bin])
        {
            _votes[bin]++;
            _atomCounts[bin]++;
        }
        else if (_votes[bin] < 1)
        {
            (_atoms[bin], _votes[bin], _atomCounts[bin]) = (gap, 1, 1);
        }
        else
        {
            _votes[bin]--;
        }
    }
}
