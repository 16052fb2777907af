using DynamicMoE.Cli.Models;

namespace DynamicMoE.Benchmarks.Concurrency;

/// <summary>The schedules that are compared: one caller with one thread and with the pool's, then many callers. They run in turn, several times.</summary>
internal sealed record SchedulePlan(LayerShape Shape, WeightFormat Format, int Tokens, int[] Callers, TimeSpan Time, int Rounds)
{
    public ConcurrencyReport Run()
    {
        using var layers = new SharedLayer(Shape, Format, Tokens);
        (int Callers, int Threads)[] schedules = [(1, 1), (1, 0), .. Callers.Where(callers => callers > 1).Select(callers => (callers, 0))];
        var runs = new List<CrowdRun>[schedules.Length];
        for (int i = 0; i < schedules.Length; i++)
        {
            runs[i] = [];
        }

        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < schedules.Length; i++)
            {
                runs[i].Add(Crowd.Run(layers, schedules[i].Callers, schedules[i].Threads, Time));
            }
        }

        // Within a round, since the machine may be faster in one than in the next.
        double[] best = [.. Enumerable.Range(0, Rounds).Select(round => Math.Max(runs[0][round].CallsPerSecond, runs[1][round].CallsPerSecond))];
        RuntimeInfo info = RuntimeInfo.Query();
        return new ConcurrencyReport(
            Shape.Name, WeightFormats.Name(Format), Tokens, Rounds, Time.TotalSeconds, info.CpuName, info.LogicalCpus, info.CpuQuota, info.PoolThreads,
            [.. schedules.Select((schedule, i) => ScheduleResult.Of(schedule.Callers, schedule.Threads, runs[i], best))]);
    }
}
