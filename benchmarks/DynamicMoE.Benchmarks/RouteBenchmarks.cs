using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does the overload that returns new arrays cost beside the one into caller-owned buffers?</summary>
[MemoryDiagnoser]
public class RouteBenchmarks
{
    private Workload _work = null!;

    /// <summary>Tokens per call.</summary>
    [Params(1, 32, 256)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Setup() => _work = new Workload(Tokens, Workload.Budget(1.5));

    [GlobalCleanup]
    public void Cleanup() => _work.Dispose();

    [Benchmark(Baseline = true)]
    public RoutingReport IntoBuffers() => _work.Router.Route(_work.Input, Tokens, _work.Buffers);

    [Benchmark]
    public RoutingResult Allocating() => _work.Router.Route(_work.Tensor);
}
