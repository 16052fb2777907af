namespace DynamicMoE.Hosting;

/// <summary>Sums over the batches of a layer. Its owner has a lock.</summary>
internal sealed class LayerTally
{
    private long _batches;
    private long _distinct;
    private long _routes;

    public long Tokens { get; private set; }

    public double MeanDistinctExperts => (double)_distinct / _batches;

    public double MeanExpertsPerToken => (double)_routes / Tokens;

    public void Add(in RoutingReport report)
    {
        Tokens += report.Tokens;
        _routes += report.Routes;
        _distinct += report.DistinctExperts;
        _batches++;
    }

    public LayerTally Copy() => (LayerTally)MemberwiseClone();
}
