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
        string? bias = Misfit(snapshot.LoadBias, _balancer, b => Math.Abs(b) <= bound, FormattableString.Invariant($"-{bound}..{bound}"));
        string? shares = Misfit(snapshot.LoadShares, _weights, s => s is >= 0 and <= 1, "0..1");
        string? factors = Misfit(snapshot.LoadFactors, _weights, f => f >= least && f <= 1, FormattableString.Invariant($"{least}..1"));
        new OptionRules(nameof(RouterSnapshot))
            .Require(bias is null, $"LoadBias {bias}.")
            .Require(shares is null, $"LoadShares {shares}.")
            .Require(factors is null, $"LoadFactors {factors}.")
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

    // What is wrong with a list that a learner takes over, one value per expert; null when nothing is.
    private string? Misfit<T>(IReadOnlyList<T>? values, object? learner, Func<T, bool> inRange, string range)
    {
        if (learner is null)
        {
            return values is null ? null : "must be null: this load balancing has none";
        }

        int wrong = values?.Count == NumExperts ? values.Index().FirstOrDefault(value => !inRange(value.Item), (-1, default!)).Index : 0;
        string? found = values is null ? "is null"
            : values.Count != NumExperts ? $"has {values.Count} values"
            : wrong >= 0 ? FormattableString.Invariant($"is {values[wrong]} for expert {wrong}")
            : null;
        return found is null ? null : $"{found}, must be {NumExperts} values within {range}";
    }
}
