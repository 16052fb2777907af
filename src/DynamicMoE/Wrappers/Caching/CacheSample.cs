namespace DynamicMoE;

/// <summary>One call, timed both ways on the same rows.</summary>
/// <param name="Rows">Rows of the call.</param>
/// <param name="Plain">Nanoseconds that routing took without the cache.</param>
/// <param name="Cached">Nanoseconds that lookup, computing what was missing, storing and deciding took.</param>
internal readonly record struct CacheSample(int Rows, double Plain, double Cached)
{
    /// <summary>Nanoseconds saved per row.</summary>
    internal double SavedPerRow => (Plain - Cached) / Rows;
}
