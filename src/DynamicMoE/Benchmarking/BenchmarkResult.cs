using System.Text.Json.Serialization;

namespace DynamicMoE;

/// <summary>One measured combination.</summary>
/// <param name="ConfigName">Name of the configuration.</param>
/// <param name="Parameters">What was run; keys are those of <see cref="BenchmarkParameters"/>, values are strings, int or double.</param>
/// <param name="Metrics">What was measured; keys are those of <see cref="BenchmarkMetrics"/>.</param>
/// <param name="Timestamp">When it was done: seconds since 1970-01-01 UTC.</param>
public sealed record BenchmarkResult(
    string ConfigName, IReadOnlyDictionary<string, object> Parameters, IReadOnlyDictionary<string, double> Metrics, double Timestamp)
{
    private const double MostLag = 0.1;

    /// <summary>Throughput: whether requests were begun late although a caller was free, so that the machine could not keep the schedule of arrivals:
    /// <see cref="BenchmarkMetrics.P99ArrivalLag"/> is above a tenth of <see cref="BenchmarkMetrics.P50Latency"/>. Times then say more about the machine than
    /// about the router. False for the other benchmarks.</summary>
    [JsonIgnore]
    public bool LateArrivals => Metrics.TryGetValue(BenchmarkMetrics.P99ArrivalLag, out double lag) && lag > MostLag * Metrics[BenchmarkMetrics.P50Latency];

    /// <summary>The result as a dictionary.</summary>
    /// <returns>config_name, parameters, metrics and timestamp.</returns>
    public IReadOnlyDictionary<string, object> ToDictionary() => new Dictionary<string, object>
    {
        ["config_name"] = ConfigName,
        ["parameters"] = Parameters,
        ["metrics"] = Metrics,
        ["timestamp"] = Timestamp,
    };
}
