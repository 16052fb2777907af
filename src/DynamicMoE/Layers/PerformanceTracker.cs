namespace DynamicMoE;

/// <summary>Sums up forward passes. Safe for many threads.</summary>
/// <param name="flopsPerRoute">Operations of one expert on one token.</param>
/// <param name="flopsPerToken">Operations that every token costs whatever its route count: gate and shared experts.</param>
/// <param name="trainedExperts">Experts per token of the static model.</param>
internal sealed class PerformanceTracker(double flopsPerRoute, double flopsPerToken, int trainedExperts)
{
    private readonly Lock _gate = new();
    private long _calls;
    private long _tokens;
    private long _routes;
    private long _distinct;
    private long _overflow;
    private long _dropped;

    internal void Record(in RoutingReport report)
    {
        lock (_gate)
        {
            _calls++;
            _tokens += report.Tokens;
            _routes += report.Routes;
            _distinct += report.DistinctExperts;
            _overflow += report.OverflowRoutes;
            _dropped += report.DroppedRoutes;
        }
    }

    internal PerformanceSummary Snapshot(ExpertUsageStats routerStats)
    {
        lock (_gate)
        {
            double realised = _tokens * flopsPerToken + _routes * flopsPerRoute;
            double fixedCount = _tokens * (flopsPerToken + trainedExperts * flopsPerRoute);
            return new PerformanceSummary(
                _calls,
                _tokens,
                _routes,
                _calls == 0 ? 0 : (double)_distinct / _calls,
                _tokens == 0 ? 0 : (double)_routes / _tokens,
                fixedCount == 0 ? 0 : 1 - realised / fixedCount,
                _overflow,
                _dropped,
                routerStats);
        }
    }
}
