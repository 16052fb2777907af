using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Hosting;

/// <summary>Refines what <see cref="DynamicMoEServiceCollectionExtensions.AddDynamicMoE"/> registered.</summary>
public sealed class DynamicMoEBuilder
{
    internal DynamicMoEBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Changes the router's options after the settings were put into them: what a file cannot hold, such as a calibration or an estimator of one's own.</summary>
    /// <param name="configure">Gets the options; <see cref="AdaptiveRouterOptions"/> when <c>router.adaptive</c> is true. Calls add up, in their order.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="configure"/> is null.</exception>
    public DynamicMoEBuilder ConfigureRouter(Action<DynamicRouterOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.AddSingleton(new RouterConfiguration(configure));
        return this;
    }

    /// <summary>Changes the options of monitoring after the settings were put into them: what a file cannot hold, such as the webhook's secret or the breaker's
    /// fallback. Called again when a file that changes the thresholds or the webhook is taken.</summary>
    /// <param name="configure">Gets the options; Webhook is null while <c>monitoring.alert_webhook</c> is empty. Calls add up, in their order.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="configure"/> is null.</exception>
    public DynamicMoEBuilder ConfigureMonitoring(Action<MonitoringOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.AddSingleton(new MonitoringConfiguration(configure));
        return this;
    }
}

/// <summary>A change of the options of monitoring.</summary>
internal sealed record MonitoringConfiguration(Action<MonitoringOptions> Apply);

/// <summary>A change of the router's options.</summary>
internal sealed record RouterConfiguration(Action<DynamicRouterOptions> Apply);
