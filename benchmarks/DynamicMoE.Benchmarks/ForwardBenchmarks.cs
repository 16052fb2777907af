using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does the overload that returns new tensors cost beside the one into caller-owned memory?</summary>
[MemoryDiagnoser]
public class ForwardBenchmarks
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
    public RoutingReport IntoMemory() => _work.Layer.Forward(_work.Input, Tokens, _work.Output);

    [Benchmark]
    public MoEResult Allocating() => _work.Layer.Forward(_work.Tensor);
}
