namespace DynamicMoE;

/// <summary>What samples say of a cache, per row.</summary>
/// <param name="Plain">Nanoseconds without the cache.</param>
/// <param name="Saved">Nanoseconds that the cache saves.</param>
/// <param name="Error">Nanoseconds by which <paramref name="Saved"/> is uncertain, at about two standard errors.</param>
internal readonly record struct CacheVerdict(double Plain, double Saved, double Error = 0)
{
    /// <summary>Benefit that serving begins at, as a share of the time without the cache.</summary>
    private const double Margin = 0.05;

    /// <summary>Groups of samples with about the same share of hits.</summary>
    private const int Groups = 8;

    /// <summary>Nanoseconds with the cache.</summary>
    internal double Cached => Plain - Saved;

    /// <summary>Whether the cache pays; null when the samples differ too much to tell.</summary>
    internal bool? Pays => Saved > Error ? true : Saved < -Error ? false : null;

    internal bool PaysClearly => Saved - Error > Margin * Plain;

    /// <summary>
    /// Judges samples. Calls with many hits gain and calls with few lose, so that a median over all would tell of one kind only, and a mean of calls
    /// that were interrupted: medians are taken among calls with about the same share of hits, and weighed by the rows of these calls.
    /// </summary>
    /// <param name="samples">At least <see cref="Groups"/>; sorted in place.</param>
    internal static CacheVerdict Of(Span<CacheSample> samples)
    {
        samples.Sort(static (a, b) => a.HitShare.CompareTo(b.HitShare));
        double rows = 0, plain = 0, saved = 0, squares = 0;
        for (int group = 0; group < Groups; group++)
        {
            Span<CacheSample> members = samples[(samples.Length * group / Groups)..(samples.Length * (group + 1) / Groups)];
            double weight = 0;
            foreach (CacheSample sample in members)
            {
                weight += sample.Rows;
            }

            members.Sort(static (a, b) => a.PlainPerRow.CompareTo(b.PlainPerRow));
            plain += weight * members[members.Length / 2].PlainPerRow;
            members.Sort(static (a, b) => a.SavedPerRow.CompareTo(b.SavedPerRow));
            saved += weight * members[members.Length / 2].SavedPerRow;
            double error = weight * HalfInterval(members);
            squares += error * error;
            rows += weight;
        }

        return new CacheVerdict(plain / rows, saved / rows, Math.Sqrt(squares) / rows);
    }

    // Ranks n/2 -+ sqrt(n) enclose the median at two standard errors, whatever the distribution.
    private static double HalfInterval(ReadOnlySpan<CacheSample> sorted)
    {
        int reach = (int)Math.Sqrt(sorted.Length), middle = sorted.Length / 2;
        return (sorted[Math.Min(sorted.Length - 1, middle + reach)].SavedPerRow - sorted[Math.Max(0, middle - reach)].SavedPerRow) / 2;
    }
}
