using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does a threshold that holds a mean count cost and save against the trained fixed count on the same batch?</summary>
[MemoryDiagnoser]
public class AdaptiveCountBenchmarks
{
    private Workload _fixed = null!;
    private Workload _half = null!;
    private Workload _quarter = null!;

    /// <summary>Tokens per call.</summary>
    [Params(1, 32, 256)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _fixed = new Workload(Tokens, Workload.Fixed());
        _half = new Workload(Tokens, Workload.Budget(1.5));
        _quarter = new Workload(Tokens, Workload.Budget(1.25));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _fixed.Dispose();
        _half.Dispose();
        _quarter.Dispose();
    }

    [Benchmark(Baseline = true)]
    public RoutingReport FixedTwo() => _fixed.Layer.Forward(_fixed.Input, Tokens, _fixed.Output);

    [Benchmark]
    public RoutingReport MeanOneAndAHalf() => _half.Layer.Forward(_half.Input, Tokens, _half.Output);

    [Benchmark]
    public RoutingReport MeanOneAndAQuarter() => _quarter.Layer.Forward(_quarter.Input, Tokens, _quarter.Output);
}
