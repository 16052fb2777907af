namespace DynamicMoE;

/// <summary>Counts routes per expert over the life of a router. Safe for many threads.</summary>
internal sealed class UsageTracker(int experts)
{
    private readonly Lock _gate = new();
    private readonly long[] _routes = new long[experts];
    private long _batches;

    internal void Record(ReadOnlySpan<long> routes)
    {
        lock (_gate)
        {
            _batches++;
            for (int expert = 0; expert < _routes.Length; expert++)
            {
                _routes[expert] += routes[expert];
            }
        }
    }

    internal ExpertUsageStats Snapshot()
    {
        lock (_gate)
        {
            return ExpertUsageStats.From(_batches, _routes);
        }
    }
}
