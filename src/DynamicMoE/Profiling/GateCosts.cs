namespace DynamicMoE;

/// <summary>Operations of a gate and of the weights that it gives; the README has the formulas.</summary>
internal static class GateCosts
{
    // The native core keeps gate weights, and biases, in panels of so many experts.
    private const int Panel = 32;

    /// <summary>Logits, noise and probabilities.</summary>
    internal static ComponentCost Of(DynamicRouter router, in RoutingWork work, long tokens)
    {
        ComponentCost logits = Logits(router, tokens);
        long perExpert = (work.Noise ? 3 : 0) + (router.Gate.Options.Gate == GateFunction.Sigmoid ? 4 : 3);
        return logits with { OtherFlops = logits.OtherFlops + (tokens * router.NumExperts * perExpert) };
    }

    /// <summary>Logits alone.</summary>
    internal static ComponentCost Logits(DynamicRouter router, long tokens)
    {
        long experts = router.NumExperts, dim = router.InputDim;
        return new ComponentCost(
            ProfileComponents.Gate,
            WeightFormat.Float32,
            2 * tokens * dim * experts,
            router.Gate.HasBias ? tokens * experts : 0,
            KeptBytes(router),
            sizeof(float) * tokens * (dim + experts));
    }

    /// <summary>Bytes of the gate's weights as they are kept.</summary>
    internal static long KeptBytes(DynamicRouter router)
    {
        long padded = (router.NumExperts + Panel - 1) / Panel * Panel;
        return sizeof(float) * padded * (router.InputDim + (router.Gate.HasBias ? 1 : 0));
    }

    /// <summary>Weights of the selected experts.</summary>
    internal static ComponentCost Selection(DynamicRouter router, in RoutingWork work, long tokens, long routes)
    {
        long operations = router.Weighting switch
        {
            Weighting.Renormalize => 3 * routes,
            Weighting.TrainedScale => (router.TrainedExperts * tokens) + (2 * routes),
            _ => router.Gate.Options.Gate == GateFunction.Sigmoid ? routes : 2 * routes,
        };
        return new ComponentCost(
            ProfileComponents.Selection,
            WeightFormat.Float32,
            0,
            operations + (work.PenalisesWeights ? 3 * routes : 0),
            0,
            sizeof(float) * ((tokens * router.NumExperts) + (2 * routes)));
    }
}
