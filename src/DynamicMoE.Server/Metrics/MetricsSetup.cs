using DynamicMoE.Hosting;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace DynamicMoE.Server;

/// <summary>Metrics for Prometheus; metrics and traces by OTLP where an address is set.</summary>
internal static class MetricsSetup
{
    /// <summary>Path on the port of the metrics.</summary>
    internal const string Path = "/metrics";

    private static readonly string[] s_meters =
    [
        MoEMetrics.MeterName, "DynamicMoE.Hosting", ServerInstruments.MeterName,
        "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
    ];

    public static void Apply(IServiceCollection services, MonitoringSettings settings)
    {
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("dynamicmoe", serviceVersion: typeof(MetricsSetup).Assembly.GetName().Version?.ToString(3)))
            .WithMetrics(metrics => metrics.AddMeter(s_meters).AddPrometheusExporter(options =>
            {
                options.ScrapeEndpointPath = Path;
                options.ScopeInfoEnabled = false;
                options.TargetInfoEnabled = false;
                // A scrape shows what was counted before it.
                options.ScrapeResponseCacheDurationMilliseconds = 0;
            }));
        if (settings.OtlpEndpoint.Length > 0)
        {
            telemetry
                .WithMetrics(metrics => metrics.AddOtlpExporter(Send))
                .WithTracing(traces => traces.AddSource(MoETraces.SourceName).AddOtlpExporter(Send));
        }

        void Send(OtlpExporterOptions options) => options.Endpoint = new Uri(settings.OtlpEndpoint);
    }
}
