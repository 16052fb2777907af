using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace DynamicMoE.Hosting;

/// <summary>Registers DynamicMoE in a service collection.</summary>
public static class DynamicMoEServiceCollectionExtensions
{
    /// <summary>The logging category of this package.</summary>
    internal const string Category = "DynamicMoE.Hosting";

    /// <summary>
    /// Registers the settings (<see cref="SettingsMonitor"/>, also as <see cref="IOptionsMonitor{TOptions}"/> and <see cref="IOptions{TOptions}"/> of
    /// <see cref="DynamicMoESettings"/>) and the router they describe (<see cref="IRouter"/> and, without what is put around it, <see cref="DynamicRouter"/>), each
    /// once per process. A router uses the <see cref="GateWeights"/> that are registered, else a random gate of its own.
    /// </summary>
    /// <remarks>Settings are checked when the host starts, or when the first service that needs them is made. What is registered already is left as it is.</remarks>
    /// <param name="services">The services.</param>
    /// <param name="configuration">Where settings come from; see <see cref="DynamicMoESettings.Read"/>.</param>
    /// <returns>Refines the registration.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static DynamicMoEBuilder AddDynamicMoE(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.TryAddSingleton(provider =>
            new SettingsMonitor(configuration, () => provider.GetService<ILoggerFactory>()?.CreateLogger(Category)));
        services.TryAddSingleton<IOptionsMonitor<DynamicMoESettings>>(provider => provider.GetRequiredService<SettingsMonitor>());
        services.TryAddSingleton<IOptionsSnapshot<DynamicMoESettings>>(provider => provider.GetRequiredService<SettingsMonitor>());
        services.TryAddSingleton<IOptions<DynamicMoESettings>>(provider => provider.GetRequiredService<SettingsMonitor>());
        services.AddOptions<DynamicMoESettings>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<LoggerFilterOptions>, LogLevelFilter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOptionsChangeTokenSource<LoggerFilterOptions>, LogLevelFilter>());
        services.TryAddSingleton(RouterFactory.Create);
        services.TryAddSingleton(RouterComposition.Create);
        return new DynamicMoEBuilder(services);
    }
}
