namespace DynamicMoE;

/// <summary>Operations of complexity scores; the README has the formulas.</summary>
internal static class EstimatorCosts
{
    /// <exception cref="ProfilingException">The estimator is the user's own, whose operations are not known; names it.</exception>
    internal static void RequireKnown(DynamicRouter router, RoutingContext? context)
    {
        ComplexityEstimator? estimator = router.WorkOf(context) is { Score: ScoreWork.Estimator } work ? work.Estimator : null;
        if (estimator is ThresholdEstimator { Normalize: false })
        {
            throw new ProfilingException($"Estimator {ComplexityEstimators.Threshold} runs a function of the caller's, whose operations cannot be counted.");
        }

        if (estimator is not (null or GradientNormEstimator or ThresholdEstimator or AttentionEntropyEstimator or PerplexityProxyEstimator))
        {
            throw new ProfilingException($"Estimator {estimator.Name} ({estimator.GetType().Name}) is not built in: its operations cannot be counted.");
        }
    }

    /// <summary>Counts one that <see cref="RequireKnown"/> lets pass, after the batch was routed.</summary>
    internal static ComponentCost Of(DynamicRouter router, in RoutingWork work, int tokens, RoutingContext? context) => work.Score switch
    {
        ScoreWork.Given => Scores(0, 0),
        ScoreWork.Fused => Fused(router, work, tokens),
        ScoreWork.FusedBefore => Add(Fused(router, work, tokens), GateCosts.Of(router, work, tokens)),
        _ => OfEstimator(router, work, tokens, context),
    };

    private static ComponentCost Fused(DynamicRouter router, in RoutingWork work, int tokens)
    {
        long experts = router.NumExperts;
        bool sigmoid = router.Gate.Options.Gate == GateFunction.Sigmoid;
        long perToken = experts < 2 ? 0
            : work.Fused == ScoreSource.RouterMargin ? (sigmoid ? 7 : 2)
            : sigmoid ? (4 * experts) + 1 : (5 * experts) + 4;
        return Scores(tokens * perToken, tokens * (experts + 1));
    }

    private static ComponentCost OfEstimator(DynamicRouter router, in RoutingWork work, int tokens, RoutingContext? context) => work.Estimator switch
    {
        AttentionEntropyEstimator attention when context is { AttentionWeights.IsEmpty: false } => Attention(attention, tokens, context),
        PerplexityProxyEstimator when context is { LmHeadLogits.IsEmpty: false } => Entropy(tokens, context.LmHeadLogits.Length / tokens),
        AttentionEntropyEstimator or PerplexityProxyEstimator => Add(Entropy(tokens, router.NumExperts), GateCosts.Logits(router, tokens)),
        _ => Norm(tokens, router.InputDim),
    };

    private static ComponentCost Norm(long tokens, long columns) => Scores(tokens * ((2 * columns) + 1), tokens * (columns + 1));

    private static ComponentCost Entropy(long tokens, long columns) => Scores(tokens * ((6 * columns) + 4), tokens * (columns + 1));

    private static ComponentCost Attention(AttentionEntropyEstimator estimator, int tokens, RoutingContext context)
    {
        long heads = context.AttentionHeads;
        long keys = context.AttentionWeights.Length / (tokens * heads);
        long seen = context.VisibleKeys.IsEmpty ? tokens * keys : Sum(context.VisibleKeys.Span);
        long joining = estimator.Aggregation == HeadAggregation.Mean ? tokens * (heads + 1) : 0;
        return Scores((10 * seen * heads) + (tokens * heads) + joining, (seen * heads) + tokens);
    }

    private static long Sum(ReadOnlySpan<int> values)
    {
        long sum = 0;
        foreach (int value in values)
        {
            sum += value;
        }

        return sum;
    }

    private static ComponentCost Add(ComponentCost scores, ComponentCost gate) => scores with
    {
        ProductFlops = gate.ProductFlops,
        OtherFlops = scores.OtherFlops + gate.OtherFlops,
        WeightBytes = gate.WeightBytes,
        ActivationBytes = scores.ActivationBytes + gate.ActivationBytes,
    };

    private static ComponentCost Scores(long operations, long floats) =>
        new(ProfileComponents.Estimator, WeightFormat.Float32, 0, operations, 0, sizeof(float) * floats);
}
