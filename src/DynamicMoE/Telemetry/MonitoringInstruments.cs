using System.Diagnostics.Metrics;

namespace DynamicMoE;

/// <summary>Instruments of monitored routers.</summary>
internal static class MonitoringInstruments
{
    private static readonly InstrumentAdvice<int> s_perToken = new() { HistogramBucketBoundaries = [1, 2, 3, 4, 6, 8] };

    private static readonly InstrumentAdvice<int> s_perBatch = new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256] };

    internal static readonly Histogram<double> ForwardDuration = Seconds(MoEMetrics.ForwardDuration, "Time of a batch of a layer.");

    internal static readonly Histogram<double> RouteDuration = Seconds(MoEMetrics.RouteDuration, "Time of a batch of a router.");

    internal static readonly Counter<long> Tokens = Instruments.Meter.CreateCounter<long>(MoEMetrics.Tokens, "{token}", "Tokens routed.");

    internal static readonly Counter<long> Routes = Instruments.Meter.CreateCounter<long>(MoEMetrics.Routes, "{route}", "Sum of experts over tokens.");

    internal static readonly Histogram<int> TokenExperts = Instruments.Meter.CreateHistogram(
        MoEMetrics.TokenExperts, "{expert}", "Experts of each token.", null, s_perToken);

    internal static readonly Histogram<int> ActiveExperts = Instruments.Meter.CreateHistogram(
        MoEMetrics.ActiveExperts, "{expert}", "Distinct experts of each batch.", null, s_perBatch);

    internal static readonly Gauge<double> LoadBalanceVariance = Instruments.Meter.CreateGauge<double>(
        MoEMetrics.LoadBalanceVariance, "1", "Variance of the experts' shares of routes over the window.");

    internal static readonly Gauge<double> LoadImbalance = Instruments.Meter.CreateGauge<double>(
        MoEMetrics.LoadImbalance, "1", "Routes of the most used expert over the mean, over the window.");

    internal static readonly Gauge<long> Memory = Instruments.Meter.CreateGauge<long>(MoEMetrics.Memory, "By", "Memory held.");

    internal static readonly Gauge<int> BreakerState = Instruments.Meter.CreateGauge<int>(
        MoEMetrics.BreakerState, "1", "0 = closed, 1 = half-open, 2 = open.");

    internal static readonly Counter<long> BreakerMoves = Instruments.Meter.CreateCounter<long>(
        MoEMetrics.BreakerMoves, "{move}", "Moves of the circuit breaker.");

    internal static readonly Counter<long> Fallbacks = Instruments.Meter.CreateCounter<long>(
        MoEMetrics.Fallbacks, "{call}", "Batches while the breaker was not closed.");

    internal static readonly Counter<long> Alerts = Instruments.Meter.CreateCounter<long>(MoEMetrics.Alerts, "{alert}", "Alerts raised and resolved.");

    internal static readonly Counter<long> WebhookAlerts = Instruments.Meter.CreateCounter<long>(
        MoEMetrics.WebhookAlerts, "{alert}", "Alerts on their way to the webhook, by what became of them.");

    internal static KeyValuePair<string, object?> Router(string tag) => new(Instruments.RouterTag, tag);

    private static Histogram<double> Seconds(string name, string description) =>
        Instruments.Meter.CreateHistogram(name, "s", description, null, Buckets.Calls);
}
