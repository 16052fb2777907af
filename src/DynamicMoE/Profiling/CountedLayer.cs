namespace DynamicMoE;

/// <summary>A layer whose every part can be counted.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Router">The router that decides in the end.</param>
/// <param name="Experts">Its routed experts.</param>
internal sealed record CountedLayer(MoELayer Layer, DynamicRouter Router, ExpertBank Experts)
{
    /// <summary>Matrix products of a batch whose tokens all have the trained number of experts.</summary>
    /// <param name="tokens">Tokens of the batch.</param>
    /// <param name="realised">What the batch costs: all but the routed experts stays as it is.</param>
    internal long StaticProducts(long tokens, IEnumerable<ComponentCost> realised) =>
        realised.Where(cost => cost.Component != ProfileComponents.Experts).Sum(cost => cost.ProductFlops)
        + (tokens * Router.TrainedExperts * Experts.FlopsPerToken);

    /// <summary>Bytes of all weights that the layer may read.</summary>
    internal long KeptBytes => GateCosts.KeptBytes(Router) + Experts.PackedBytes + (Layer.Options.SharedExperts?.PackedBytes ?? 0);

    /// <exception cref="ArgumentNullException"><paramref name="layer"/> is null.</exception>
    /// <exception cref="ProfilingException">A part cannot be counted; names it.</exception>
    internal static CountedLayer Of(MoELayer layer, RoutingContext? context)
    {
        ArgumentNullException.ThrowIfNull(layer);
        DynamicRouter router = RouterOf(layer.Router, context);
        return layer.Bank is not { } experts
            ? throw new ProfilingException($"{layer.GetType().Name} runs managed experts ({nameof(IExpert)}): their operations cannot be counted.")
            : context is { Training: true } && layer.Options.DropoutRate > 0
            ? throw new ProfilingException($"{layer.GetType().Name} drops elements at random in training (DropoutRate {layer.Options.DropoutRate}): their number cannot be counted.")
            : new CountedLayer(layer, router, experts);
    }

    /// <summary>The router inside any number of wrappers, whose own work is not counted.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> is null.</exception>
    /// <exception cref="ProfilingException">It is not a <see cref="DynamicRouter"/>, or its estimator cannot be counted; names it.</exception>
    internal static DynamicRouter RouterOf(IRouter router, RoutingContext? context)
    {
        ArgumentNullException.ThrowIfNull(router);
        DynamicRouter counted = RouterChain.Dynamic(router)
            ?? throw new ProfilingException($"Router {RouterChain.Innermost(router).GetType().Name} is not a {nameof(DynamicRouter)}: its operations cannot be counted.");
        EstimatorCosts.RequireKnown(counted, context);
        return counted;
    }
}
