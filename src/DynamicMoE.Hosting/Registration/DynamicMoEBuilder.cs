using System.Diagnostics.Metrics;
using DynamicMoE.Hosting.Health;
using DynamicMoE.Hosting.Loading;
using DynamicMoE.Models;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

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

    /// <summary>Serves a model in the background: <see cref="IInferenceService"/>, and <see cref="IChatClient"/> over it unless the container has one.
    /// <c>serving.model</c> in the settings comes before it.</summary>
    /// <param name="path">Folder of a checkpoint or packed file, as for <see cref="MoEModel.Load(string, ModelLoadOptions)"/>.</param>
    /// <param name="name">Under which callers ask for it; null: the last part of the path.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    public DynamicMoEBuilder AddModel(string path, string? name = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Services.AddSingleton(new ModelSource(name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(path)), path, options => MoEModel.Load(path, options)));
        return AddInferenceService();
    }

    /// <summary>Serves a model in the background: <see cref="IInferenceService"/>. <c>serving.model</c> in the settings comes before it.</summary>
    /// <param name="name">Under which callers ask for it.</param>
    /// <param name="load">Makes the model with the service's options; called when the host starts, and at each reload. The service disposes of it.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null or empty.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="load"/> is null.</exception>
    public DynamicMoEBuilder AddModel(string name, Func<ModelLoadOptions, MoEModel> load)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(load);
        Services.AddSingleton(new ModelSource(name, null, load));
        Services.TryAddSingleton<IChatClient>(services => new InferenceChatClient(services.GetRequiredService<IInferenceService>()));
        return AddInferenceService();
    }

    /// <summary>Runs <see cref="IInferenceService"/> in the background of the host: over the registered or configured model, else over a registered
    /// <see cref="MoELayer"/>, else over the router of the settings. Adds health checks with the tags live, ready and startup.</summary>
    /// <returns>This builder.</returns>
    public DynamicMoEBuilder AddInferenceService()
    {
        Services.TryAddSingleton(TimeProvider.System);
        Services.TryAddSingleton<ModelLoader>();
        Services.TryAddSingleton(services => new EngineFigures(services.GetRequiredService<TimeProvider>(), services.GetService<IMeterFactory>()));
        if (!Services.Any(service => service.ServiceType == typeof(InferenceService)))
        {
            Services.AddSingleton<InferenceService>();
            Services.AddSingleton<IInferenceService>(services => services.GetRequiredService<InferenceService>());
            Services.AddHostedService(services => services.GetRequiredService<InferenceService>());
            Services.AddSingleton<DeviceHealthCheck>();
            Services.AddHealthChecks()
                .AddCheck<EngineHealthCheck>("engine", tags: ["live"])
                .AddCheck<ServingHealthCheck>("serving", tags: ["ready"])
                .AddCheck<StartedHealthCheck>("started", tags: ["startup"])
                .AddCheck<QueueHealthCheck>("queue", tags: ["ready"])
                .AddCheck<BreakerHealthCheck>("circuit_breaker", tags: ["ready"])
                .AddCheck<BudgetHealthCheck>("budget", tags: ["ready"])
                .AddCheck<DeviceHealthCheck>("device", tags: ["ready"]);
        }

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
