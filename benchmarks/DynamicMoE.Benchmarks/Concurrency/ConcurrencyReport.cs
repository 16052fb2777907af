namespace DynamicMoE.Benchmarks.Concurrency;

/// <summary>What the command found, and where.</summary>
internal sealed record ConcurrencyReport(
    string Shape,
    string Format,
    int Tokens,
    int Rounds,
    double SecondsPerRun,
    string Cpu,
    int LogicalCpus,
    double? CpuQuota,
    int PoolThreads,
    IReadOnlyList<ScheduleResult> Schedules);

/// <summary>One schedule over all rounds.</summary>
/// <param name="Callers">Threads that call at once.</param>
/// <param name="Threads">Threads of each call; 0 = what the pool gives.</param>
/// <param name="CallsPerSecond">Median of the rounds.</param>
/// <param name="P50Us">Median time of a call, microseconds, over the calls of all rounds.</param>
/// <param name="P95Us">95th percentile.</param>
/// <param name="P99Us">99th percentile.</param>
/// <param name="MaxUs">Slowest call.</param>
/// <param name="P99ToP50">Ratio of the two.</param>
/// <param name="CoresUsed">Processor time of the process per time, median of the rounds.</param>
/// <param name="ShareOfBestSingle">Calls per second as a share of the better single caller of the same round; median of the rounds.</param>
internal sealed record ScheduleResult(
    int Callers,
    int Threads,
    double CallsPerSecond,
    double P50Us,
    double P95Us,
    double P99Us,
    double MaxUs,
    double P99ToP50,
    double CoresUsed,
    double ShareOfBestSingle)
{
    public static ScheduleResult Of(int callers, int threads, IReadOnlyList<CrowdRun> runs, IReadOnlyList<double> bestSingle)
    {
        double[] times = [.. runs.SelectMany(run => run.CallMicroseconds)];
        Array.Sort(times);
        double At(double share) => times[Math.Min(times.Length - 1, (int)(share * times.Length))];
        return new ScheduleResult(
            callers,
            threads,
            Median(runs.Select(run => run.CallsPerSecond)),
            At(0.5),
            At(0.95),
            At(0.99),
            times[^1],
            At(0.99) / At(0.5),
            Median(runs.Select(run => run.CoresUsed)),
            Median(runs.Select((run, round) => run.CallsPerSecond / bestSingle[round])));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }
}
