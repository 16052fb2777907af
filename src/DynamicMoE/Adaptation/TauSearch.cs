namespace DynamicMoE;

/// <summary>
/// Finds the thresholds that keep given numbers of gaps, in one pass over a histogram for ascending numbers. Within a bin gaps are taken to lie
/// evenly, but for an atom, which is kept whole or not at all.
/// </summary>
internal ref struct TauSearch
{
    // Fewer equal gaps than that are chance, or too few to matter beside MemoryTokens.
    private const double LeastAtom = 16;

    // Beyond it tau is a denormal number and divides no more: such gaps are kept together, by tau = 0.
    private const float FarGap = 86;

    // Below it the spacing of taus is felt: neighbours are 6e-8 apart as gaps.
    private const double NearGap = 1.0 / 16384;

    private static readonly int s_farBin = GapHistogram.BinOf(FarGap);

    private readonly GapHistogram _histogram;
    private int _bin;
    private double _below;

    internal TauSearch(GapHistogram histogram)
    {
        _histogram = histogram;
        _below = histogram.Zeros;
    }

    /// <summary>Brackets the threshold that keeps <paramref name="count"/> gaps; counts of successive calls must not fall.</summary>
    internal TauBracket Find(double count)
    {
        if (count <= _histogram.Zeros)
        {
            return TauBracket.Exactly(1, _histogram.Zeros);
        }

        for (; _bin < s_farBin; _bin++)
        {
            double inside = _histogram.CountOf(_bin);
            if (inside > 0 && _below + inside >= count)
            {
                return Within(count, inside);
            }

            _below += inside;
        }

        double beyond = 0;
        for (int bin = s_farBin; bin < GapHistogram.Bins; bin++)
        {
            beyond += _histogram.CountOf(bin);
        }

        double all = _below + beyond;
        return count >= all || beyond == 0 ? TauBracket.Exactly(0, all) : new TauBracket(TauAt(FarGap), _below, 0, all);
    }

    /// <summary>The gap up to which a threshold keeps experts, as the native core computes it.</summary>
    internal static float LimitOf(float tau) => (float)-Math.Log(tau);

    private readonly TauBracket Within(double count, double inside)
    {
        if (_bin == 0)
        {
            return new TauBracket(1, _below, TauAt(float.Epsilon), _below + inside);
        }

        double low = GapHistogram.LowerEdge(_bin);
        double width = GapHistogram.LowerEdge(_bin + 1) - low;
        GapAtom atom = _histogram.AtomOf(_bin);
        double heavy = atom.Count >= LeastAtom ? atom.Count : 0;
        double others = inside - heavy;
        double before = heavy == 0 ? others : others * ((atom.Gap - low) / width);
        double wanted = count - _below;
        if (wanted < before || heavy == 0)
        {
            return Divided(low + (wanted / others * width), heavy == 0 ? 0 : TauBelow(atom.Gap), 1, count);
        }

        return wanted <= before + heavy
            ? new TauBracket(TauBelow(atom.Gap), _below + before, TauAt(atom.Gap), _below + before + heavy)
            : Divided(low + ((wanted - heavy) / others * width), 0, TauAt(atom.Gap), count);
    }

    // Where taus lie further apart than gaps the counts are those of the next tau on either side, wherever in the histogram their limits fall.
    private readonly TauBracket Divided(double gap, float least, float most, double count)
    {
        float tau = Math.Clamp((float)Math.Exp(-gap), least, most);
        if (gap >= NearGap)
        {
            return TauBracket.Exactly(tau, count);
        }

        float low = tau;
        while (low < 1 && KeptBy(low) > count)
        {
            low = MathF.BitIncrement(low);
        }

        // The bin holds that many but for the rounding of sums.
        double enough = count * (1 - 1e-9);
        float high = low;
        while (KeptBy(high) < enough)
        {
            high = MathF.BitDecrement(high);
        }

        return new TauBracket(low, Math.Min(count, KeptBy(low)), high, Math.Max(count, KeptBy(high)));
    }

    // Gaps that a threshold keeps, evenly spread within a bin but for its atom.
    private readonly double KeptBy(float tau)
    {
        float limit = LimitOf(tau);
        int last = GapHistogram.BinOf(limit);
        double kept = _histogram.Zeros;
        for (int bin = 0; bin < last; bin++)
        {
            kept += _histogram.CountOf(bin);
        }

        GapAtom atom = _histogram.AtomOf(last);
        double heavy = atom.Count >= LeastAtom ? atom.Count : 0;
        double low = GapHistogram.LowerEdge(last);
        double share = Math.Clamp((limit - low) / (GapHistogram.LowerEdge(last + 1) - low), 0, 1);
        return kept + ((_histogram.CountOf(last) - heavy) * share) + (heavy > 0 && atom.Gap <= limit ? heavy : 0);
    }

    // The largest tau that keeps a gap.
    private static float TauAt(float gap)
    {
        float tau = (float)Math.Exp(-gap);
        while (LimitOf(tau) < gap)
        {
            tau = MathF.BitDecrement(tau);
        }

        while (tau < 1 && LimitOf(MathF.BitIncrement(tau)) >= gap)
        {
            tau = MathF.BitIncrement(tau);
        }

        return tau;
    }

    private static float TauBelow(float gap) => Math.Min(1, MathF.BitIncrement(TauAt(gap)));
}
