namespace DynamicMoE;

/// <content>Parallel work and scaling.</content>
public static partial class RouterExtensions
{
    /// <summary>Puts parallel work and an autoscaler around a router.</summary>
    /// <param name="router">The router inside; not owned.</param>
    /// <param name="enableAutoscaling">Whether the autoscaler decides. Otherwise calls may use <paramref name="maxWorkers"/> threads.</param>
    /// <param name="enableParallel">Whether a call may use more than one thread.</param>
    /// <param name="maxWorkers">Most threads of a call, 1..1024, the caller's included; never more than the native pool has.</param>
    /// <param name="scaling">Targets and steps; null for the defaults.</param>
    /// <returns>The router with its autoscaler.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    /// <exception cref="DynamicMoEMemoryException">The workspaces do not fit into memory.</exception>
    /// <exception cref="ObjectDisposedException">The router inside is disposed.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static OptimizedRouter Optimize(
        this IRouter router, bool enableAutoscaling = true, bool enableParallel = true, int maxWorkers = 4, ScalingOptions? scaling = null) =>
        new(router, enableAutoscaling, enableParallel, maxWorkers, scaling);
}
