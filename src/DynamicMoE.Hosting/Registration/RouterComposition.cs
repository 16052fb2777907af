using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>What is put around the router, from the inside out: threads and budget that follow the load, a cache that serves once it is measured to pay, and
/// monitoring, which sees what the caller sees.</summary>
internal static class RouterComposition
{
    internal static IRouter Create(IServiceProvider services)
    {
        var monitor = services.GetRequiredService<SettingsMonitor>();
        DynamicMoESettings settings = monitor.CurrentValue;
        ILoggerFactory? logs = services.GetService<ILoggerFactory>();
        TimeProvider time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        IRouter router = services.GetRequiredService<DynamicRouter>();
        OptimizationSettings optimization = settings.Optimization;
        if (optimization.EnableAutoscaling || optimization.EnableParallel)
        {
            router = router.Optimize(
                optimization.EnableAutoscaling,
                optimization.EnableParallel,
                optimization.MaxWorkers,
                new ScalingOptions { TimeProvider = time, Logger = logs?.CreateLogger(typeof(OptimizedRouter).FullName!) });
        }

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

        return settings.Monitoring.EnableMonitoring ? Watched(router, monitor, time, logs) : router;
    }

    private static MonitoredRouter Watched(IRouter router, SettingsMonitor monitor, TimeProvider time, ILoggerFactory? logs)
    {
        MonitoringSettings settings = monitor.CurrentValue.Monitoring;
        MonitoredRouter watched = router.WithMonitoring(settings.EnableCircuitBreaker, new MonitoringOptions
        {
            AlertThresholds = Thresholds(settings),
            Webhook = settings.AlertWebhook.Length == 0 ? null : new WebhookOptions { Url = new Uri(settings.AlertWebhook), Secret = settings.AlertSecret },
            TimeProvider = time,
            Logger = logs?.CreateLogger(typeof(MonitoredRouter).FullName!),
        });
        monitor.OnChange((changed, _) => watched.SetAlertThresholds(Thresholds(changed.Monitoring)));
        return watched;
    }

    private static AlertThresholds Thresholds(MonitoringSettings settings) => new()
    {
        AvgLatencyMs = settings.AlertThresholds.AvgLatencyMs,
        ErrorRate = settings.AlertThresholds.ErrorRate,
        LoadBalanceVariance = settings.AlertThresholds.LoadBalanceVariance,
        MemoryUsageMb = settings.AlertThresholds.MemoryUsageMb,
    };
}
