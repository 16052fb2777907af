namespace DynamicMoE;

/// <summary>
/// Keys of <see cref="BenchmarkResult.Metrics"/>. Percentiles are nearest-rank, the median of an even number is the mean of the middle two. Ends of
/// intervals are those of distribution-free 95 % confidence intervals: two order statistics, by the binomial distribution. An interval that needs
/// more values than there are (median 6, p95 72, p99 368) is not in the result.
/// </summary>
public static class BenchmarkMetrics
{
    /// <summary>Timed calls or requests.</summary>
    public const string Runs = "runs";

    /// <summary>Mean time of a call, ms. Throughput: of a request, from its intended arrival to its end.</summary>
    public const string MeanLatency = "mean_latency_ms";

    /// <summary>Standard deviation of these times, ms.</summary>
    public const string StandardDeviation = "std_latency_ms";

    /// <summary>Shortest of these times, ms.</summary>
    public const string MinLatency = "min_latency_ms";

    /// <summary>Longest of these times, ms.</summary>
    public const string MaxLatency = "max_latency_ms";

    /// <summary>Median of these times, ms.</summary>
    public const string P50Latency = "p50_latency_ms";

    /// <summary>Lower end of the median's interval, ms.</summary>
    public const string P50LatencyLow = "p50_latency_low_ms";

    /// <summary>Upper end of the median's interval, ms.</summary>
    public const string P50LatencyHigh = "p50_latency_high_ms";

    /// <summary>95th percentile of these times, ms.</summary>
    public const string P95Latency = "p95_latency_ms";

    /// <summary>Lower end of the 95th percentile's interval, ms.</summary>
    public const string P95LatencyLow = "p95_latency_low_ms";

    /// <summary>Upper end of the 95th percentile's interval, ms.</summary>
    public const string P95LatencyHigh = "p95_latency_high_ms";

    /// <summary>99th percentile of these times, ms.</summary>
    public const string P99Latency = "p99_latency_ms";

    /// <summary>Lower end of the 99th percentile's interval, ms.</summary>
    public const string P99LatencyLow = "p99_latency_low_ms";

    /// <summary>Upper end of the 99th percentile's interval, ms.</summary>
    public const string P99LatencyHigh = "p99_latency_high_ms";

    /// <summary>Tokens per second: by the median call; throughput: tokens of all requests over the time from the start to the last end.</summary>
    public const string TokensPerSecond = "tokens_per_second";

    /// <summary>Mean experts per token over the timed calls.</summary>
    public const string MeanExpertsPerToken = "mean_experts_per_token";

    /// <summary>1 - mean experts per token / most experts per token: routes that static routing at the most would have had.</summary>
    public const string RoutesSaved = "routes_saved";

    /// <summary>1 / (experts * sum of squared shares of the routes): 1 = even, 1/experts = one expert does it all.</summary>
    public const string LoadBalanceScore = "load_balance_score";

    /// <summary>Throughput: requests per second that the callers reach when each calls again as soon as it is done.</summary>
    public const string CapacityPerSecond = "capacity_per_second";

    /// <summary>Throughput: requests per second that arrived.</summary>
    public const string OfferedPerSecond = "offered_per_second";

    /// <summary>Throughput: requests per second that were served, from the start to the last end. Below what arrived, the queue grew for as long as the run lasted.</summary>
    public const string AchievedPerSecond = "achieved_per_second";

    /// <summary>Throughput: median time from the start of serving to its end, ms.</summary>
    public const string P50Service = "p50_service_ms";

    /// <summary>Throughput: 95th percentile of the time from the intended arrival to the start of serving, ms.</summary>
    public const string P95Wait = "p95_wait_ms";

    /// <summary>Throughput: median of the time from when a request had arrived and a caller was free to the start of serving, ms. It is the machine's, not the
    /// router's: 0 where callers run as soon as they could.</summary>
    public const string P50ArrivalLag = "arrival_lag_p50_ms";

    /// <summary>Throughput: 99th percentile of that time, ms. Above a tenth of <see cref="P50Latency"/>, <see cref="BenchmarkResult.LateArrivals"/> is true.</summary>
    public const string P99ArrivalLag = "arrival_lag_p99_ms";

    /// <summary>Scaling: time of the base variant with one thread over this one, median of the quotients of calls of the same turn.</summary>
    public const string Speedup = "speedup";

    /// <summary>Scaling: lower end of the speedup's interval.</summary>
    public const string SpeedupLow = "speedup_low";

    /// <summary>Scaling: upper end of the speedup's interval.</summary>
    public const string SpeedupHigh = "speedup_high";

    /// <summary>Scaling: speedup over threads.</summary>
    public const string ParallelEfficiency = "parallel_efficiency";
}
