namespace DynamicMoE;

/// <summary>What a <see cref="CachedRouter"/> holds, what it was good for, and whether it pays. Counts are of rows, since the router was built.</summary>
public sealed record CacheStats
{
    /// <summary>Rows held now. Rows past their time that were not asked for since may be among them.</summary>
    public required int Size { get; init; }

    /// <summary>Most rows that it may hold now: <see cref="CacheOptions.Size"/>, or with adaptive sizing what was found between MinSize and that.</summary>
    public required int MaxSize { get; init; }

    /// <summary>Rows whose logits this router did not have to compute: found, or computed meanwhile by another call or another row of the batch.
    /// While measuring: rows that would have been.</summary>
    public required long HitCount { get; init; }

    /// <summary>Rows that were looked up and not found.</summary>
    public required long MissCount { get; init; }

    /// <summary>Hits that waited for a call that was computing the same row; part of <see cref="HitCount"/>.</summary>
    public required long SharedCount { get; init; }

    /// <summary>Hits over hits and misses, 0 to 1; 0 before the first row.</summary>
    public double HitRate => HitCount + MissCount == 0 ? 0 : (double)HitCount / (HitCount + MissCount);

    /// <summary>Seconds after which a row is computed anew.</summary>
    public required double TtlSeconds { get; init; }

    /// <summary>What the router does now.</summary>
    public required CacheState State { get; init; }

    /// <summary>Whether routing with the cache takes less time than without, by the last measurement whose samples agreed enough to tell (the difference
    /// exceeds about two standard errors); null before the first, and where nothing can be cached.</summary>
    public required bool? Pays { get; init; }

    /// <summary>Nanoseconds per row that routing takes without the cache, by the last measurement; 0 before the first.</summary>
    public required double PlainNanosecondsPerRow { get; init; }

    /// <summary>Nanoseconds per row that looking up, computing what is missing, storing it and deciding take, by the last measurement; 0 before the first.</summary>
    public required double CachedNanosecondsPerRow { get; init; }

    /// <summary>Bytes of the rows and logits held.</summary>
    public required long Bytes { get; init; }
}
