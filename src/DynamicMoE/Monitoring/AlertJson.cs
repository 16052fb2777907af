using System.Text.Json;
using System.Text.Json.Serialization;

namespace DynamicMoE;

/// <summary>An alert as the webhook's body.</summary>
internal static class AlertJson
{
    /// <summary>The threshold's name in config.yaml.</summary>
    internal static string Name(AlertKind kind) => kind switch
    {
        AlertKind.AvgLatencyMs => "avg_latency_ms",
        AlertKind.ErrorRate => "error_rate",
        AlertKind.LoadBalanceVariance => "load_balance_variance",
        AlertKind.MemoryUsageMb => "memory_usage_mb",
        _ => "circuit_breaker",
    };

    internal static byte[] Write(MonitoringAlert alert) => JsonSerializer.SerializeToUtf8Bytes(
        new Body("dynamicmoe.alert", alert.Timestamp, alert), AlertJsonContext.Default.Body);

    /// <summary>The envelope: type, timestamp and data, as Standard Webhooks has it.</summary>
    internal sealed record Body(string Type, DateTimeOffset Timestamp, MonitoringAlert Data);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(AlertJson.Body))]
internal sealed partial class AlertJsonContext : JsonSerializerContext;
