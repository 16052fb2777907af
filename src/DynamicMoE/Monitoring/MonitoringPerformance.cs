namespace DynamicMoE;

/// <summary>Figures of a monitored router's calls. Totals count from its construction, everything else is taken over the window.</summary>
/// <param name="CallsAre">What counts as a call: batches of layers once a layer over the router ran one, else batches of the router.</param>
/// <param name="TotalCalls">Calls, failed and refused ones included.</param>
/// <param name="TotalErrors">Calls that failed, except by the caller's own mistake.</param>
/// <param name="TotalRejected">Calls that failed by the caller's own mistake.</param>
/// <param name="TotalFallbacks">Batches that came while the breaker was not closed and did not try the router.</param>
/// <param name="Window">Time that the window covers now: less than its length after the start.</param>
/// <param name="Calls">Calls, refused ones not included.</param>
/// <param name="CallsPerSecond">Calls per second; 0 for a window without length.</param>
/// <param name="TokensPerSecond">Tokens of served calls per second; 0 for a window without length.</param>
/// <param name="ErrorRate">Share of calls that failed, 0..1; 0 without calls.</param>
/// <param name="AvgLatencyMs">Mean time of a served call, milliseconds; 0 without calls, as are the percentiles.</param>
/// <param name="P50LatencyMs">Median, milliseconds. Percentiles are known to 1/16 of their value, rounded up.</param>
/// <param name="P95LatencyMs">95th percentile, milliseconds.</param>
/// <param name="P99LatencyMs">99th percentile, milliseconds.</param>
/// <param name="MeanExpertsPerToken">Mean experts per token; 0 without tokens.</param>
/// <param name="LoadBalanceVariance">Population variance of the experts' shares of routes.</param>
/// <param name="LoadBalanceScore">1 / (experts * sum of squared shares): 1 = even, 1/experts = one expert does it all.</param>
/// <param name="MemoryUsageMb">Memory of the process (working set), MiB.</param>
/// <param name="ManagedMemoryMb">Managed heap, MiB.</param>
/// <param name="NativeMemoryMb">Memory held by the native library, MiB; 0 where it is not loaded.</param>
public sealed record MonitoringPerformance(
    MonitoredCalls CallsAre,
    long TotalCalls,
    long TotalErrors,
    long TotalRejected,
    long TotalFallbacks,
    TimeSpan Window,
    long Calls,
    double CallsPerSecond,
    double TokensPerSecond,
    double ErrorRate,
    double AvgLatencyMs,
    double P50LatencyMs,
    double P95LatencyMs,
    double P99LatencyMs,
    double MeanExpertsPerToken,
    double LoadBalanceVariance,
    double LoadBalanceScore,
    double MemoryUsageMb,
    double ManagedMemoryMb,
    double NativeMemoryMb)
{
    internal static MonitoringPerformance Of(MonitoredCalls kind, CallFigures figures, long fallbacks, MemoryReading memory)
    {
        CallSums window = figures.Window, total = figures.Total;
        double seconds = figures.Covered.TotalSeconds;
        return new MonitoringPerformance(
            kind,
            total.Served + total.Errors + total.Rejected,
            total.Errors,
            total.Rejected,
            fallbacks,
            figures.Covered,
            figures.Judged,
            seconds > 0 ? figures.Judged / seconds : 0,
            seconds > 0 ? window.Tokens / seconds : 0,
            figures.ErrorRate,
            figures.MeanSeconds * 1e3,
            figures.P50 * 1e3,
            figures.P95 * 1e3,
            figures.P99 * 1e3,
            window.Tokens == 0 ? 0 : (double)window.Routes / window.Tokens,
            figures.Usage.UsageVariance,
            figures.Usage.LoadBalanceScore,
            MemoryReading.Mib(memory.Process),
            MemoryReading.Mib(memory.Managed),
            MemoryReading.Mib(memory.Native));
    }
}
