using BenchmarkDotNet.Attributes;

namespace DynamicMoE.Benchmarks;

/// <summary>What does the Allocated column show for an operation that allocates nothing?</summary>
[MemoryDiagnoser]
public class IdleBenchmarks
{
    /// <summary>Times the same measurement is repeated.</summary>
    [Params(1, 2, 3, 4)]
    public int Repetition { get; set; }

    // About as long as a forward pass of 256 tokens, so that an iteration has as few operations as there.
    [Benchmark]
    public int Sleep()
    {
        Thread.Sleep(25);
        return Repetition;
    }
}
