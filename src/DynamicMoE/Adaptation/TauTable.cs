namespace DynamicMoE;

/// <summary>Thresholds for evenly spaced budgets, for rows with a budget of their own. Readers never wait: an
/// entry is one value, and an old one is as good as a new one.</summary>
internal sealed class TauTable
{
    /// <summary>Steps from MinExperts to MaxExperts: a budget is met to half of 1/512 of that range.</summary>
    internal const int Steps = 512;

    private readonly float[] _taus = new float[Steps + 1];

    /// <summary>Fills in the table; one writer at a time.</summary>
    /// <param name="histogram">With at least one token.</param>
    /// <param name="range">MaxExperts - MinExperts.</param>
    internal void Write(GapHistogram histogram, double range)
    {
        var search = new TauSearch(histogram);
        for (int step = 0; step <= Steps; step++)
        {
            double count = range * step / Steps * histogram.Tokens;
            Volatile.Write(ref _taus[step], search.Find(count).Nearest(count, wasHigh: false).Tau);
        }
    }

    /// <param name="share">Budget as a share of the range, 0..1.</param>
    internal float Read(double share) => Volatile.Read(ref _taus[(int)Math.Round(share * Steps)]);
}
