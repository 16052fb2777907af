namespace DynamicMoE;

/// <summary>The benchmarks, as <see cref="BenchmarkParameters.Benchmark"/> names them.</summary>
public static class BenchmarkKinds
{
    /// <summary><see cref="DynamicMoEBenchmark.RunLatencyBenchmark"/>.</summary>
    public const string Latency = "latency";

    /// <summary><see cref="DynamicMoEBenchmark.RunThroughputBenchmark"/>.</summary>
    public const string Throughput = "throughput";

    /// <summary><see cref="DynamicMoEBenchmark.RunScalingBenchmark"/>.</summary>
    public const string Scaling = "scaling";
}
