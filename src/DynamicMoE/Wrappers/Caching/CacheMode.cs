namespace DynamicMoE;

/// <summary>When a <see cref="CachedRouter"/> takes rows from its cache.</summary>
public enum CacheMode
{
    /// <summary>Always.</summary>
    Serve = 0,

    /// <summary>Once the measured benefit is above 5 % of the time that routing takes, until there is none any more.</summary>
    Measure = 1,
}
