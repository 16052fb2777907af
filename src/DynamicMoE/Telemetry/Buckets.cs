using System.Diagnostics.Metrics;

namespace DynamicMoE;

/// <summary>Boundaries of histograms. What OpenTelemetry takes by itself is made for milliseconds.</summary>
internal static class Buckets
{
    /// <summary>Seconds of single calls, from microseconds.</summary>
    internal static readonly InstrumentAdvice<double> Calls = Of(
        1e-6, 1e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10);

    /// <summary>Seconds of requests: from one batch to a long answer.</summary>
    internal static readonly InstrumentAdvice<double> Requests = Of(
        1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300);

    /// <summary>Relative errors, and nats of divergence.</summary>
    internal static readonly InstrumentAdvice<double> Errors = Of(1e-5, 1e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5);

    /// <summary>Tokens of a batch.</summary>
    internal static readonly InstrumentAdvice<long> Tokens = Of(1L, 2L, 4L, 8L, 16L, 32L, 64L, 128L, 256L, 512L, 1024L, 2048L, 4096L, 8192L);

    private static InstrumentAdvice<T> Of<T>(params T[] boundaries)
        where T : struct => new() { HistogramBucketBoundaries = boundaries };
}
