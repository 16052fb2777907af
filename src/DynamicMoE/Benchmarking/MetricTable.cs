namespace DynamicMoE;

/// <summary>Collects the metrics of one result.</summary>
internal sealed class MetricTable
{
    private readonly Dictionary<string, double> _values = [];

    internal IReadOnlyDictionary<string, double> Values => _values;

    internal double this[string name]
    {
        set => _values[name] = value;
    }

    /// <summary>Adds a value's interval, where there is one.</summary>
    internal void Add(string low, string high, Interval? interval)
    {
        if (interval is { } ends)
        {
            _values[low] = ends.Low;
            _values[high] = ends.High;
        }
    }

    /// <summary>Adds the distribution of times.</summary>
    /// <param name="milliseconds">At least one.</param>
    internal void AddTimes(Sample milliseconds)
    {
        this[BenchmarkMetrics.Runs] = milliseconds.Count;
        this[BenchmarkMetrics.MeanLatency] = milliseconds.Mean;
        this[BenchmarkMetrics.StandardDeviation] = milliseconds.StandardDeviation;
        this[BenchmarkMetrics.MinLatency] = milliseconds.Smallest;
        this[BenchmarkMetrics.MaxLatency] = milliseconds.Largest;
        this[BenchmarkMetrics.P50Latency] = milliseconds.Median;
        Add(BenchmarkMetrics.P50LatencyLow, BenchmarkMetrics.P50LatencyHigh, milliseconds.IntervalOf(0.5));
        this[BenchmarkMetrics.P95Latency] = milliseconds.Quantile(0.95);
        Add(BenchmarkMetrics.P95LatencyLow, BenchmarkMetrics.P95LatencyHigh, milliseconds.IntervalOf(0.95));
        this[BenchmarkMetrics.P99Latency] = milliseconds.Quantile(0.99);
        Add(BenchmarkMetrics.P99LatencyLow, BenchmarkMetrics.P99LatencyHigh, milliseconds.IntervalOf(0.99));
    }

    /// <summary>Adds what callers saw decided.</summary>
    internal void AddRoutes(BenchmarkCase work, params IReadOnlyList<BenchmarkCaller> callers)
    {
        long tokens = 0, routes = 0;
        var usage = new long[work.NumExperts];
        foreach (BenchmarkCaller caller in callers)
        {
            tokens += caller.Tokens;
            routes += caller.Routes;
            for (int expert = 0; expert < usage.Length; expert++)
            {
                usage[expert] += caller.Usage[expert];
            }
        }

        double mean = (double)routes / tokens;
        this[BenchmarkMetrics.MeanExpertsPerToken] = mean;
        this[BenchmarkMetrics.RoutesSaved] = 1 - (mean / work.MaxExperts);
        this[BenchmarkMetrics.LoadBalanceScore] = ExpertUsageStats.From(1, usage).LoadBalanceScore;
    }
}
