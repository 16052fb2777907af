using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>From settings to the router itself.</summary>
internal static class RouterFactory
{
    /// <exception cref="SettingsException">The settings are not valid, or lack what a router without given gate weights needs.</exception>
    /// <exception cref="RouterConfigurationException">The settings do not fit the gate weights, or a change of the options broke them.</exception>
    internal static DynamicRouter Create(IServiceProvider services)
    {
        var monitor = services.GetRequiredService<SettingsMonitor>();
        DynamicMoESettings settings = monitor.CurrentValue;
        UseLibrary(settings);
        DynamicRouterOptions options = settings.Router.ToOptions();
        options.Logger = services.GetService<ILoggerFactory>()?.CreateLogger(typeof(DynamicRouter).FullName!);
        foreach (RouterConfiguration change in services.GetServices<RouterConfiguration>())
        {
            change.Apply(options);
        }

        DynamicRouter router = Create(options, services.GetService<GateWeights>(), settings);
        monitor.Follow(settings, now => Follow(router, now));
        return router;
    }

    internal static DynamicRouter Create(DynamicRouterOptions options, GateWeights? gate, DynamicMoESettings settings)
    {
        if (gate is null)
        {
            Require(options, settings);
        }

        return (options, gate) switch
        {
            (AdaptiveRouterOptions adaptive, null) => new AdaptiveRouter(adaptive),
            (AdaptiveRouterOptions adaptive, _) => new AdaptiveRouter(gate, adaptive),
            (_, null) => new DynamicRouter(options),
            _ => new DynamicRouter(gate, options),
        };
    }

    private static void Require(DynamicRouterOptions options, DynamicMoESettings settings)
    {
        List<SettingProblem> problems = [];
        if (options.InputDim == 0)
        {
            problems.Add(Missing(SettingKeys.InputDim));
        }

        if (options.NumExperts == 0)
        {
            problems.Add(Missing(SettingKeys.NumExperts));
        }

        if (problems.Count > 0)
        {
            throw new SettingsException(problems);
        }

        SettingProblem Missing(SettingKey key) =>
            key.Refused(settings.Table.Source(key), null, "is not set and no GateWeights are registered that would tell it");
    }

    // The router has options of its own; of the settings that change while it runs only the budget concerns it.
    private static void Follow(DynamicRouter router, DynamicMoESettings settings)
    {
        if (router.Arbiter is { } arbiter && settings.Router.MeanExpertsBudget is double budget)
        {
            arbiter.Budget = budget;
        }
    }

    // The variable is read by the loader itself, and a path that was set in code comes before it.
    private static void UseLibrary(DynamicMoESettings settings)
    {
        string? path = settings.Runtime.NativePath;
        SettingSource source = settings.Table.Source(SettingKeys.NativePath);
        if (path is null || source.Kind == SettingSourceKind.Environment || NativeLibraryOptions.Path == path)
        {
            return;
        }

        try
        {
            NativeLibraryOptions.Path = path;
        }
        catch (InvalidOperationException error)
        {
            throw new SettingsException($"{source}: runtime.native_path is {Printable.Quote(path)}, but the library is already loaded from elsewhere", error);
        }
    }
}
