namespace DynamicMoE;

/// <summary>Puts wrappers around routers. They go around each other in any order.</summary>
public static partial class RouterExtensions
{
    /// <summary>Watches a router: figures, alerts, metrics, traces and a circuit breaker.</summary>
    /// <param name="router">The router; not owned.</param>
    /// <param name="enableCircuitBreaker">Whether a router that keeps failing is left alone for a while.</param>
    /// <param name="monitor">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <returns>The watched router. Dispose it to stop its checks and alerts.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public static MonitoredRouter WithMonitoring(this IRouter router, bool enableCircuitBreaker = true, MonitoringOptions? monitor = null)
    {
        ArgumentNullException.ThrowIfNull(router);
        return new MonitoredRouter(router, enableCircuitBreaker, monitor);
    }
}
