namespace DynamicMoE;

/// <summary>Puts wrappers around routers.</summary>
public static partial class RouterExtensions
{
    /// <summary>Puts a cache of rows around a router.</summary>
    /// <param name="router">The router inside; not owned.</param>
    /// <param name="cacheSize">Most rows held, 3..16777216.</param>
    /// <param name="adaptive">Whether the size follows what the cache is worth, down to a sixteenth of <paramref name="cacheSize"/>.</param>
    /// <returns>The router with its cache.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> is null.</exception>
    /// <exception cref="RouterConfigurationException"><paramref name="cacheSize"/> is outside its range.</exception>
    public static CachedRouter WithCache(this IRouter router, int cacheSize = 1000, bool adaptive = true) =>
        new(router, new CacheOptions { Size = cacheSize, Adaptive = adaptive });

    /// <summary>Puts a cache of rows around a router.</summary>
    /// <param name="router">The router inside; not owned.</param>
    /// <param name="options">Options.</param>
    /// <returns>The router with its cache.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public static CachedRouter WithCache(this IRouter router, CacheOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new CachedRouter(router, options);
    }
}
