using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does the overload that returns new arrays cost beside the one into caller-owned buffers?</summary>
[MemoryDiagnoser]
public class RouteBenchmarks : BudgetBenchmarks
{
    [Benchmark(Baseline = true)]
    public RoutingReport IntoBuffers() => Work.Router.Route(Work.Input, Tokens, Work.Buffers);

    [Benchmark]
    public RoutingResult Allocating() => Work.Router.Route(Work.Tensor);
}
