using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>What is put around the router, from the inside out: threads and budget that follow the load, a cache that serves once it is measured to pay, and
/// monitoring, which sees what the caller sees.</summary>
internal static class RouterComposition
{
    internal static IRouter Create(IServiceProvider services) => Compose(services.GetRequiredService<DynamicRouter>(), services);

    /// <param name="core">The router.</param>
    /// <param name="services">Settings, clock and loggers.</param>
    /// <param name="name">In metrics and alerts; null: that of the options.</param>
    /// <param name="owned">Gets what ends with a router that does not live as long as the settings; null: it lives as long.</param>
    internal static IRouter Compose(DynamicRouter core, IServiceProvider services, string? name = null, List<IDisposable>? owned = null)
    {
        var monitor = services.GetRequiredService<SettingsMonitor>();
        DynamicMoESettings settings = monitor.CurrentValue;
        ILoggerFactory? logs = services.GetService<ILoggerFactory>();
        TimeProvider time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        OptimizationSettings optimization = settings.Optimization;

        // Also with both off: it is what keeps calls to one thread.
        IRouter router = core.Optimize(
            optimization.EnableAutoscaling,
            optimization.EnableParallel,
            optimization.MaxWorkers,
            new ScalingOptions
            {
                // What raises an alert is what the autoscaler works against.
                TargetP95 = TimeSpan.FromMilliseconds(Math.Clamp(settings.Monitoring.AlertThresholds.AvgLatencyMs, 0.001, 60_000)),
                TimeProvider = time,
                Logger = logs?.CreateLogger(typeof(OptimizedRouter).FullName!),
            });

        if (optimization.EnableCaching)
        {
            router = router.WithCache(new CacheOptions
            {
                Size = optimization.CacheSize,
                Adaptive = optimization.CacheAdaptive,
                TimeToLive = TimeSpan.FromSeconds(optimization.CacheTtlSeconds),
                Mode = CacheMode.Measure,
                TimeProvider = time,
                Logger = logs?.CreateLogger(typeof(CachedRouter).FullName!),
            });
        }

        return settings.Monitoring.EnableMonitoring ? Watched(router, monitor, settings, time, logs, name, owned, [.. services.GetServices<MonitoringConfiguration>()]) : router;
    }

    private static MonitoredRouter Watched(
        IRouter router, SettingsMonitor monitor, DynamicMoESettings settings, TimeProvider time, ILoggerFactory? logs, string? name, List<IDisposable>? owned, MonitoringConfiguration[] changes)
    {
        MonitoredRouter watched = router.WithMonitoring(settings.Monitoring.EnableCircuitBreaker, Options(settings.Monitoring));
        string url = settings.Monitoring.AlertWebhook;
        IDisposable subscription = monitor.Follow(settings, now =>
        {
            MonitoringOptions options = Options(now.Monitoring);
            if (now.Monitoring.AlertWebhook != url)
            {
                watched.SetAlertWebhook(options.Webhook);
                url = now.Monitoring.AlertWebhook;
            }

            watched.SetAlertThresholds(options.AlertThresholds);
        });
        owned?.Add(subscription);
        return watched;

        MonitoringOptions Options(MonitoringSettings from)
        {
            var options = new MonitoringOptions
            {
                AlertThresholds = Thresholds(from),
                Webhook = from.AlertWebhook.Length == 0 ? null : new WebhookOptions { Url = new Uri(from.AlertWebhook), Secret = from.AlertSecret },
                TimeProvider = time,
                Logger = logs?.CreateLogger(typeof(MonitoredRouter).FullName!),
            };
            options.Name = name ?? options.Name;
            foreach (MonitoringConfiguration change in changes)
            {
                change.Apply(options);
            }

            return options;
        }
    }

    private static AlertThresholds Thresholds(MonitoringSettings settings) => new()
    {
        AvgLatencyMs = settings.AlertThresholds.AvgLatencyMs,
        ErrorRate = settings.AlertThresholds.ErrorRate,
        LoadBalanceVariance = settings.AlertThresholds.LoadBalanceVariance,
        MemoryUsageMb = settings.AlertThresholds.MemoryUsageMb,
    };
}
