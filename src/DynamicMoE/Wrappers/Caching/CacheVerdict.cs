namespace DynamicMoE;

/// <summary>What samples say of a cache, per row.</summary>
/// <param name="Plain">Nanoseconds without the cache.</param>
/// <param name="Cached">Nanoseconds with it.</param>
internal readonly record struct CacheVerdict(double Plain, double Cached)
{
    /// <summary>Benefit that serving begins at, as a share of the time without the cache.</summary>
    private const double Margin = 0.05;

    private const double Interrupted = 8;

    /// <summary>Nanoseconds saved per row.</summary>
    internal double Saved => Plain - Cached;

    internal bool Pays => Saved > 0;

    internal bool PaysClearly => Saved > Margin * Plain;

    /// <summary>Judges samples. Calls that took more than eight times the median per row were interrupted and say nothing about the cache.</summary>
    /// <param name="samples">At least one; sorted in place.</param>
    internal static CacheVerdict Of(Span<CacheSample> samples)
    {
        samples.Sort(static (a, b) => a.PerRow.CompareTo(b.PerRow));
        double limit = Interrupted * samples[samples.Length / 2].PerRow;
        double rows = 0, plain = 0, cached = 0;
        foreach (CacheSample sample in samples)
        {
            if (sample.PerRow <= limit)
            {
                rows += sample.Rows;
                plain += sample.Plain;
                cached += sample.Cached;
            }
        }

        return new CacheVerdict(plain / rows, cached / rows);
    }
}
