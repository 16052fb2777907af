using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does each complexity estimator add to routing under the top-k strategy, without input of a host model?</summary>
[MemoryDiagnoser]
public class EstimatorBenchmarks
{
    private Workload _margin = null!;
    private Workload _other = null!;

    /// <summary>Tokens per call.</summary>
    [Params(1, 32, 256)]
    public int Tokens { get; set; }

    /// <summary>The estimator beside the baseline.</summary>
    [Params(
        ComplexityEstimators.RouterEntropy, ComplexityEstimators.GradientNorm, ComplexityEstimators.Threshold, ComplexityEstimators.AttentionEntropy,
        ComplexityEstimators.PerplexityProxy)]
    public string Estimator { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _margin = new Workload(Tokens, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        _other = new Workload(Tokens, new DynamicRouterOptions { ComplexityEstimator = Estimator });
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _margin.Dispose();
        _other.Dispose();
    }

    [Benchmark(Baseline = true)]
    public RoutingReport RouterMargin() => _margin.Router.Route(_margin.Input, Tokens, _margin.Buffers);

    [Benchmark]
    public RoutingReport Other() => _other.Router.Route(_other.Input, Tokens, _other.Buffers);
}
