namespace DynamicMoE;

/// <summary>What a <see cref="CachedRouter"/> does now.</summary>
public enum CacheState
{
    /// <summary>There is no <see cref="DynamicRouter"/> to be reached through <see cref="RouterWrapper.Inner"/>: batches are handed on as they are.</summary>
    NotCacheable = 0,

    /// <summary>Rows are looked up and counted, and routed as if there were no cache.</summary>
    Measuring = 1,

    /// <summary>Measuring found no benefit: batches are handed on as they are until it is time to measure again.</summary>
    Resting = 2,

    /// <summary>Rows that are known are taken from the cache.</summary>
    Serving = 3,
}
