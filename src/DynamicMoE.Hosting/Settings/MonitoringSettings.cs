namespace DynamicMoE.Hosting;

/// <summary><c>monitoring</c>: circuit breaker, alerts and ports.</summary>
public sealed class MonitoringSettings
{
    private readonly SettingValues _values;

    internal MonitoringSettings(SettingValues values)
    {
        _values = values;
        AlertThresholds = new AlertThresholdSettings(values);
    }

    /// <summary><c>enable_monitoring</c>: whether routing is monitored.</summary>
    /// <value>The default is true.</value>
    public bool EnableMonitoring => _values.Get(SettingKeys.EnableMonitoring);

    /// <summary><c>enable_circuit_breaker</c>: whether a router that fails again and again is left alone for a while.</summary>
    /// <value>The default is true.</value>
    public bool EnableCircuitBreaker => _values.Get(SettingKeys.EnableCircuitBreaker);

    /// <summary><c>alert_thresholds</c>: from which values on an alert is raised.</summary>
    public AlertThresholdSettings AlertThresholds { get; }

    /// <summary><c>alert_webhook</c>: address that alerts are sent to.</summary>
    /// <value>An http or https address of at most 4096 characters. Empty, the default, is none. A running process takes a change of the file.</value>
    public string AlertWebhook => _values.Get(SettingKeys.AlertWebhook);

    /// <summary><c>alert_secret</c>: key of the alerts' signature, see <see cref="WebhookOptions.Secret"/>.</summary>
    /// <value>A text of 16 to 1024 bytes; the default, null, is not signed.</value>
    public string? AlertSecret => _values.Get(SettingKeys.AlertSecret);

    /// <summary><c>metrics_port</c>: port of the HTTP service's metrics.</summary>
    /// <value>Between 0 (a free port) and 65535. The default is 9090.</value>
    public int MetricsPort => _values.Get(SettingKeys.MetricsPort);

    /// <summary><c>health_port</c>: port of the HTTP service's health checks.</summary>
    /// <value>Between 0 (a free port) and 65535. The default is 8080.</value>
    public int HealthPort => _values.Get(SettingKeys.HealthPort);

    /// <summary><c>otlp_endpoint</c>: where the HTTP service sends metrics and traces by OTLP over gRPC.</summary>
    /// <value>An http or https address of at most 4096 characters. Empty, the default, is none.</value>
    public string OtlpEndpoint => _values.Get(SettingKeys.OtlpEndpoint);
}

/// <summary><c>monitoring.alert_thresholds</c>: from which values on an alert is raised. A running process takes a change of the file.</summary>
public sealed class AlertThresholdSettings
{
    private readonly SettingValues _values;

    internal AlertThresholdSettings(SettingValues values) => _values = values;

    /// <summary><c>avg_latency_ms</c>: mean time of a routing call, milliseconds.</summary>
    /// <value>Above 0, at most 3600000. The default is 50.</value>
    public double AvgLatencyMs => _values.Get(SettingKeys.AvgLatencyMs);

    /// <summary><c>error_rate</c>: share of calls that fail.</summary>
    /// <value>Between 0 and 1. The default is 0.05.</value>
    public double ErrorRate => _values.Get(SettingKeys.ErrorRate);

    /// <summary><c>load_balance_variance</c>: population variance of the experts' shares of routes.</summary>
    /// <value>Between 0 and 1. The default is 0.1.</value>
    public double LoadBalanceVariance => _values.Get(SettingKeys.LoadBalanceVariance);

    /// <summary><c>memory_usage_mb</c>: memory in use, MiB.</summary>
    /// <value>Above 0, at most 1000000000. The default is 1000.</value>
    public double MemoryUsageMb => _values.Get(SettingKeys.MemoryUsageMb);
}
