namespace DynamicMoE;

/// <summary>What a cache counted between two decisions.</summary>
/// <param name="Size">Most rows.</param>
/// <param name="Full">Whether it held as many.</param>
/// <param name="Hits">Rows found.</param>
/// <param name="Misses">Rows not found.</param>
/// <param name="Returned">Misses of rows that had been missing shortly before, while the cache was full: a larger one would have had them.</param>
/// <param name="Distinct">Different rows found.</param>
internal readonly record struct CacheWindow(int Size, bool Full, long Hits, long Misses, long Returned, long Distinct);
