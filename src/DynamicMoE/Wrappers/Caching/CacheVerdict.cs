namespace DynamicMoE;

/// <summary>What samples say of a cache, per row.</summary>
/// <param name="Plain">Nanoseconds without the cache.</param>
/// <param name="Cached">Nanoseconds with it.</param>
/// <param name="Error">Nanoseconds by which the difference of the two is uncertain: two standard errors.</param>
internal readonly record struct CacheVerdict(double Plain, double Cached, double Error = 0)
{
    /// <summary>Benefit that serving begins at, as a share of the time without the cache.</summary>
    private const double Margin = 0.05;

    /// <summary>Share of samples that is left out on either side: calls that were interrupted say nothing about the cache.</summary>
    private const int Trimmed = 8;

    /// <summary>Nanoseconds saved per row.</summary>
    internal double Saved => Plain - Cached;

    /// <summary>Whether the cache pays; null when the samples differ too much to tell.</summary>
    internal bool? Pays => Saved > Error ? true : Saved < -Error ? false : null;

    internal bool PaysClearly => Saved - Error > Margin * Plain;

    /// <summary>Judges samples: sums over calls without those that gained or lost most per row, and the standard error of that ratio.</summary>
    /// <param name="samples">At least one; sorted in place.</param>
    internal static CacheVerdict Of(Span<CacheSample> samples)
    {
        samples.Sort(static (a, b) => a.SavedPerRow.CompareTo(b.SavedPerRow));
        int trimmed = samples.Length / Trimmed;
        ReadOnlySpan<CacheSample> kept = samples[trimmed..^trimmed];
        double rows = 0, plain = 0, cached = 0;
        foreach (CacheSample sample in kept)
        {
            rows += sample.Rows;
            plain += sample.Plain;
            cached += sample.Cached;
        }

        double saved = (plain - cached) / rows;
        double squares = 0;
        foreach (CacheSample sample in kept)
        {
            double off = sample.Plain - sample.Cached - (saved * sample.Rows);
            squares += off * off;
        }

        return new CacheVerdict(plain / rows, cached / rows, 2 * Math.Sqrt(squares) / rows);
    }
}
