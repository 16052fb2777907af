using System.Collections.Concurrent;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>What became of many requests.</summary>
internal sealed class Tally
{
    private readonly ConcurrentQueue<Sample> _samples = [];
    private readonly ConcurrentDictionary<string, int> _ids = [];
    private long _surplus;

    public IReadOnlyCollection<Sample> Samples => _samples;

    /// <summary>Answers whose id another one had.</summary>
    public long RepeatedIds => _ids.Values.Count(count => count > 1);

    /// <summary>Connections on which there was more than the answers that were asked for.</summary>
    public long Surplus => Interlocked.Read(ref _surplus);

    public void Add(Sample sample, string? id)
    {
        _samples.Enqueue(sample);
        if (id is not null)
        {
            _ids.AddOrUpdate(id, 1, static (_, count) => count + 1);
        }
    }

    public void AddSurplus() => Interlocked.Increment(ref _surplus);

    public long Count(Outcome outcome) => _samples.Count(sample => sample.Outcome == outcome);

    /// <summary>An example of what went wrong.</summary>
    public string? Example(Outcome outcome) => _samples.FirstOrDefault(sample => sample.Outcome == outcome).Fault;

    /// <summary>A percentile of some samples; NaN without one.</summary>
    public static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Length - 1, Math.Ceiling(share * sorted.Length) - 1)];
    }
}
