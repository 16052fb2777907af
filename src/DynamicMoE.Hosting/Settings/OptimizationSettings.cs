namespace DynamicMoE.Hosting;

/// <summary><c>optimization</c>: workers, autoscaling and the routing cache.</summary>
public sealed class OptimizationSettings
{
    private readonly SettingValues _values;

    internal OptimizationSettings(SettingValues values) => _values = values;

    /// <summary><c>enable_autoscaling</c>: whether the number of workers follows the load.</summary>
    /// <value>The default is true.</value>
    public bool EnableAutoscaling => _values.Get(SettingKeys.EnableAutoscaling);

    /// <summary><c>enable_parallel</c>: whether a call is divided over workers.</summary>
    /// <value>The default is true.</value>
    public bool EnableParallel => _values.Get(SettingKeys.EnableParallel);

    /// <summary><c>enable_caching</c>: whether routing is cached where that is measured to pay.</summary>
    /// <value>The default is true.</value>
    public bool EnableCaching => _values.Get(SettingKeys.EnableCaching);

    /// <summary><c>max_workers</c>: workers at most.</summary>
    /// <value>Between 1 and 1024. The default is 4.</value>
    public int MaxWorkers => _values.Get(SettingKeys.MaxWorkers);

    /// <summary><c>cache_size</c>: rows that the cache holds at most.</summary>
    /// <value>Between 3 and 16777216. The default is 1000.</value>
    public int CacheSize => _values.Get(SettingKeys.CacheSize);

    /// <summary><c>cache_adaptive</c>: whether the cache grows and shrinks with its measured value.</summary>
    /// <value>The default is true.</value>
    public bool CacheAdaptive => _values.Get(SettingKeys.CacheAdaptive);

    /// <summary><c>cache_ttl_seconds</c>: how long a row is kept, seconds.</summary>
    /// <value>Between 0.001 and 31536000 (a year). The default is 300.</value>
    public double CacheTtlSeconds => _values.Get(SettingKeys.CacheTtlSeconds);
}
