namespace DynamicMoE.Hosting;

/// <summary>Names of the environment variables that set something. An empty variable counts as not set, except <see cref="AlertWebhook"/>, where it means none.</summary>
public static class EnvironmentVariables
{
    /// <summary>Least severe messages that are logged: <c>runtime.log_level</c>.</summary>
    public const string LogLevel = "DYNAMIC_MOE_LOG_LEVEL";

    /// <summary>Rows that the routing cache holds at most: <c>optimization.cache_size</c>.</summary>
    public const string CacheSize = "DYNAMIC_MOE_CACHE_SIZE";

    /// <summary>Workers at most: <c>optimization.max_workers</c>.</summary>
    public const string MaxWorkers = "DYNAMIC_MOE_MAX_WORKERS";

    /// <summary>Whether routing is cached: <c>optimization.enable_caching</c>.</summary>
    public const string EnableCaching = "DYNAMIC_MOE_ENABLE_CACHING";

    /// <summary>Whether routing is monitored: <c>monitoring.enable_monitoring</c>.</summary>
    public const string EnableMonitoring = "DYNAMIC_MOE_ENABLE_MONITORING";

    /// <summary>Whether workers follow the load: <c>optimization.enable_autoscaling</c>.</summary>
    public const string Autoscale = "DYNAMIC_MOE_AUTOSCALE";

    /// <summary>Address that alerts are sent to: <c>monitoring.alert_webhook</c>.</summary>
    public const string AlertWebhook = "DYNAMIC_MOE_ALERT_WEBHOOK";

    /// <summary>Instruction-set level: <c>runtime.isa</c>. The native library reads it too.</summary>
    public const string Isa = "DYNAMIC_MOE_ISA";

    /// <summary>File or folder of the native library: <c>runtime.native_path</c>. The library's loader reads it too.</summary>
    public const string NativePath = "DYNAMIC_MOE_NATIVE_PATH";

    // Those of the HTTP service, which publishes their names.
    internal const string MetricsPort = "DYNAMIC_MOE_METRICS_PORT";
    internal const string HealthPort = "DYNAMIC_MOE_HEALTH_PORT";
    internal const string ApiKeyRequired = "DYNAMIC_MOE_API_KEY_REQUIRED";
    internal const string SslEnabled = "DYNAMIC_MOE_SSL_ENABLED";
    internal const string RateLimit = "DYNAMIC_MOE_RATE_LIMIT";

    /// <summary>What all of them begin with; a variable that begins so and is none of them is refused.</summary>
    internal const string Prefix = "DYNAMIC_MOE_";
}
