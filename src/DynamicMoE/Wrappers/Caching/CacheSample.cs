namespace DynamicMoE;

/// <summary>One call, timed both ways on the same rows.</summary>
/// <param name="Rows">Rows of the call.</param>
/// <param name="Hits">Rows among them that were found.</param>
/// <param name="Plain">Nanoseconds that routing took without the cache.</param>
/// <param name="Cached">Nanoseconds that lookup, computing what was missing, storing and deciding took.</param>
internal readonly record struct CacheSample(int Rows, int Hits, double Plain, double Cached)
{
    internal double HitShare => (double)Hits / Rows;

    /// <summary>Nanoseconds saved per row.</summary>
    internal double SavedPerRow => (Plain - Cached) / Rows;

    internal double PlainPerRow => Plain / Rows;
}
