namespace DynamicMoE;

/// <summary>The parts of a layer's work on one batch.</summary>
internal static class LayerCosts
{
    /// <summary>Counts routing.</summary>
    /// <exception cref="ProfilingException">A part cannot be counted; names it.</exception>
    internal static List<ComponentCost> Routing(DynamicRouter router, int tokens, long routes, RoutingContext? context)
    {
        RoutingWork work = router.WorkOf(context);
        return
        [
            EstimatorCosts.Of(router, in work, tokens, context),
            GateCosts.Of(router, in work, tokens),
            GateCosts.Selection(router, in work, tokens, routes),
        ];
    }

    /// <summary>Counts a layer whose plan is in <paramref name="plan"/>.</summary>
    /// <exception cref="ProfilingException">A part cannot be counted; names it.</exception>
    internal static List<ComponentCost> Layer(CountedLayer layer, int tokens, RoutingReport report, RoutingBuffers plan, RoutingContext? context)
    {
        MoELayerOptions options = layer.Layer.Options;
        List<ComponentCost> costs = Routing(layer.Router, tokens, report.Routes, context);
        costs.Add(ExpertCosts.Routed(layer.Experts, report.Routes, report.DistinctExperts));
        int shared = options.SharedExperts?.NumExperts ?? 0;
        if (options.SharedExperts is { } bank)
        {
            costs.Add(ExpertCosts.Shared(bank, tokens));
        }

        if (options.SharedExpertGate is not null)
        {
            costs.Add(ExpertCosts.SharedGate(tokens, layer.Router.InputDim));
        }

        costs.Add(Combine(layer.Router.InputDim, tokens, report.Routes, shared, plan));
        if (layer.Layer is LayerNormMoE)
        {
            costs.Insert(0, Normalization((LayerNormMoEOptions)options, tokens, layer.Router.InputDim));
        }

        return costs;
    }

    // The first of a token's outputs is multiplied by its weight, each further one is multiplied and added.
    private static ComponentCost Combine(long dim, int tokens, long routes, int shared, RoutingBuffers plan)
    {
        long outputs = routes + ((long)shared * tokens);
        int empty = shared > 0 ? 0 : plan.ExpertsPerToken.AsSpan(0, tokens).Count(0);
        return new ComponentCost(
            ProfileComponents.Combine,
            WeightFormat.Float32,
            0,
            dim * ((2 * outputs) - (tokens - empty)),
            0,
            sizeof(float) * dim * (outputs + tokens));
    }

    private static ComponentCost Normalization(LayerNormMoEOptions options, long tokens, long dim)
    {
        int vectors = (options.LayerNormWeight is null ? 0 : 1) + (options.LayerNormBias is null ? 0 : 1);
        return new ComponentCost(
            ProfileComponents.Normalization,
            WeightFormat.Float32,
            0,
            tokens * (((7 + vectors) * dim) + 4),
            sizeof(float) * vectors * dim,
            5 * sizeof(float) * tokens * dim);
    }
}
