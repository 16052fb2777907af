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

    /// <summary>Key of the alerts' signature: <c>monitoring.alert_secret</c>.</summary>
    public const string AlertSecret = "DYNAMIC_MOE_ALERT_SECRET";

    /// <summary>Where layers compute: <c>runtime.device</c>.</summary>
    public const string Device = "DYNAMIC_MOE_DEVICE";

    /// <summary>File of the CUDA driver's library, which the native library reads too: <c>runtime.cuda_driver</c>.</summary>
    public const string CudaDriver = "DYNAMIC_MOE_CUDA_DRIVER";

    /// <summary>Port of the HTTP service's API and page: <c>server.port</c>.</summary>
    public const string Port = "DYNAMIC_MOE_PORT";

    /// <summary>Port of the HTTP service's metrics: <c>monitoring.metrics_port</c>.</summary>
    public const string MetricsPort = "DYNAMIC_MOE_METRICS_PORT";

    /// <summary>Port of the HTTP service's health checks: <c>monitoring.health_port</c>.</summary>
    public const string HealthPort = "DYNAMIC_MOE_HEALTH_PORT";

    /// <summary>Whether a request needs a key: <c>security.api_key_required</c>.</summary>
    public const string ApiKeyRequired = "DYNAMIC_MOE_API_KEY_REQUIRED";

    /// <summary>File of the keys: <c>security.api_keys_file</c>.</summary>
    public const string ApiKeysFile = "DYNAMIC_MOE_API_KEYS_FILE";

    /// <summary>Whether the API speaks TLS: <c>security.ssl_enabled</c>.</summary>
    public const string SslEnabled = "DYNAMIC_MOE_SSL_ENABLED";

    /// <summary>File of the certificate: <c>security.ssl_cert_file</c>.</summary>
    public const string SslCertFile = "DYNAMIC_MOE_SSL_CERT_FILE";

    /// <summary>File of the certificate's key: <c>security.ssl_key_file</c>.</summary>
    public const string SslKeyFile = "DYNAMIC_MOE_SSL_KEY_FILE";

    /// <summary>Requests of a caller per hour: <c>security.rate_limit</c>.</summary>
    public const string RateLimit = "DYNAMIC_MOE_RATE_LIMIT";

    /// <summary>What all of them begin with; a variable that begins so and is none of them is refused.</summary>
    internal const string Prefix = "DYNAMIC_MOE_";
}
