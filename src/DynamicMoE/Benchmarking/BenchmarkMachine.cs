namespace DynamicMoE;

/// <summary>Where a benchmark ran.</summary>
/// <param name="Cpu">The processor, as it calls itself.</param>
/// <param name="LogicalCpus">Logical processors of this process.</param>
/// <param name="PoolThreads">Threads that a call may use.</param>
/// <param name="Isa">Level of the kernels.</param>
/// <param name="LibraryVersion">Version of the native library.</param>
internal sealed record BenchmarkMachine(string Cpu, int LogicalCpus, int PoolThreads, string Isa, string LibraryVersion)
{
    internal static BenchmarkMachine Query()
    {
        RuntimeInfo info = RuntimeInfo.Query();
        return new BenchmarkMachine(info.CpuName, info.LogicalCpus, info.PoolThreads, info.Isa.ToString().ToLowerInvariant(), info.LibraryVersion);
    }
}

/// <summary>What <see cref="DynamicMoEBenchmark.SaveResults"/> writes.</summary>
internal sealed record BenchmarkDocument(BenchmarkMachine Machine, IReadOnlyList<BenchmarkResult> Results);
