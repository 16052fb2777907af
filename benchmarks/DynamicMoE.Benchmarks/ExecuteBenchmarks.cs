using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>Which part of a forward pass is routing? The experts alone, on the routes of the same batch, and routing alone.</summary>
[MemoryDiagnoser]
public class ExecuteBenchmarks : BudgetBenchmarks
{
    [Benchmark(Baseline = true)]
    public RoutingReport Forward() => Work.Layer.Forward(Work.Input, Tokens, Work.Output);

    [Benchmark]
    public RoutingReport ExpertsAlone() => Work.Layer.Execute(Work.Input, Tokens, Work.Buffers, Work.Output);

    [Benchmark]
    public RoutingReport RoutingAlone() => Work.Router.Route(Work.Input, Tokens, Work.Buffers);
}
