namespace DynamicMoE;

/// <content>What the router learnt, as a whole.</content>
public partial class DynamicRouter
{
    private volatile bool _frozen;

    /// <summary>Whether the router learns nothing from batches: load balancing, the estimator's table and the threshold stand still. Usage is counted on.</summary>
    /// <value>The default is false.</value>
    public bool Frozen
    {
        get => _frozen;
        set => _frozen = value;
    }

    /// <summary>Copies what load balancing and the estimator learnt.</summary>
    /// <returns>A snapshot that <see cref="RestoreState"/> takes.</returns>
    public RouterSnapshot SnapshotState()
    {
        (double[] Shares, float[] Factors)? weights = _weights?.Copy();
        return new RouterSnapshot(_balancer?.Copy(), weights?.Shares, weights?.Factors, Estimator is { Normalize: true } estimator ? estimator.CopyTables() : null);
    }

    /// <summary>Takes over what load balancing and the estimator learnt, all of it or nothing; acts on the next batch. An estimator that several routers
    /// share is restored for all of them.</summary>
    /// <param name="snapshot">From <see cref="SnapshotState"/>, of a router with the same NumExperts, load balancing and kind of estimator.</param>
    /// <exception cref="ArgumentNullException"><paramref name="snapshot"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The snapshot does not fit; nothing was changed.</exception>
    public void RestoreState(RouterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        float bound = _options.BalanceBound, least = 1 - _options.WeightPenalty;
        new OptionRules(nameof(RouterSnapshot))
            .Require(Fits(snapshot.LoadBias, _balancer is not null, b => Math.Abs(b) <= bound), $"LoadBias must be {Wanted(_balancer, $"within -{bound}..{bound}")}.")
            .Require(Fits(snapshot.LoadShares, _weights is not null, s => s is >= 0 and <= 1), $"LoadShares must be {Wanted(_weights, "within 0..1")}.")
            .Require(Fits(snapshot.LoadFactors, _weights is not null, f => f >= least && f <= 1), $"LoadFactors must be {Wanted(_weights, $"within {least}..1")}.")
            .Require(
                Estimator is { Normalize: true } ? ComplexityEstimator.FitTables(snapshot.Scores) : snapshot.Scores is null,
                $"Scores must be {(Estimator is { Normalize: true } ? "two tables of 64 ascending finite values each" : "null: no estimator normalises")}.")
            .ThrowIfBroken();
        _balancer?.Restore(snapshot.LoadBias!);
        _weights?.Restore(snapshot.LoadShares!, snapshot.LoadFactors!);
        if (snapshot.Scores is { } scores)
        {
            Estimator!.RestoreTables(scores);
        }
    }

    private bool Fits<T>(IReadOnlyList<T>? values, bool wanted, Func<T, bool> inRange) =>
        wanted ? values?.Count == NumExperts && values.All(inRange) : values is null;

    private string Wanted(object? learner, string range) => learner is null ? "null: this load balancing has none" : $"{NumExperts} values {range}";
}
