using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>A workload under a mean budget of 1.5 for each number of tokens; the question is the derived class's.</summary>
public abstract class BudgetBenchmarks
{
    /// <summary>Tokens per call.</summary>
    [Params(1, 32, 256)]
    public int Tokens { get; set; }

    private protected Workload Work { get; private set; } = null!;

    [GlobalSetup]
    public void Setup() => Work = new Workload(Tokens, Workload.Budget(1.5));

    [GlobalCleanup]
    public void Cleanup() => Work.Dispose();
}
