using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What do the strategies, and a cap on distinct experts, add to routing beside the trained fixed count?</summary>
[MemoryDiagnoser]
public class StrategyBenchmarks
{
    private Workload _fixed = null!;
    private Workload _threshold = null!;
    private Workload _mass = null!;
    private Workload _capped = null!;

    /// <summary>Tokens per call.</summary>
    [Params(1, 32, 256)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _fixed = new Workload(Tokens, Workload.Fixed());
        _threshold = new Workload(Tokens, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
        _mass = new Workload(Tokens, new DynamicRouterOptions { Strategy = RoutingStrategy.TopP, TopP = 0.5f });
        _capped = new Workload(Tokens, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MaxDistinctExperts = 4 });
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _fixed.Dispose();
        _threshold.Dispose();
        _mass.Dispose();
        _capped.Dispose();
    }

    [Benchmark(Baseline = true)]
    public RoutingReport FixedTwo() => Route(_fixed);

    [Benchmark]
    public RoutingReport Threshold() => Route(_threshold);

    [Benchmark]
    public RoutingReport TopP() => Route(_mass);

    [Benchmark]
    public RoutingReport ThresholdWithCap() => Route(_capped);

    private RoutingReport Route(Workload work) => work.Router.Route(work.Input, Tokens, work.Buffers);
}
