using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does the overload that returns new tensors cost beside the one into caller-owned memory?</summary>
[MemoryDiagnoser]
public class ForwardBenchmarks : BudgetBenchmarks
{
    [Benchmark(Baseline = true)]
    public RoutingReport IntoMemory() => Work.Layer.Forward(Work.Input, Tokens, Work.Output);

    [Benchmark]
    public MoEResult Allocating() => Work.Layer.Forward(Work.Tensor);
}
