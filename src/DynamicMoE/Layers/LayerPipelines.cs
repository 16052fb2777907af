namespace DynamicMoE;

/// <summary>Which way a layer takes from hidden states to its output.</summary>
internal static class LayerPipelines
{
    /// <summary>Native experts: one native call where router and wrappers allow it, else two.</summary>
    internal static LayerPipeline Native(IRouter router, ExpertBank bank, MoELayerOptions options, CapacityLimit? limit)
    {
        bool canFuse = Array.TrueForAll(RouterChain.Wrappers(router), wrapper => wrapper.CanBePassed);
        return canFuse && RouterChain.Dynamic(router) is { ChangesWeights: false } dynamic
            ? new FusedPipeline(router, dynamic, bank, options, limit)
            : new RoutedPipeline(router, bank, options, limit);
    }

    /// <summary>Puts what watches the layer around its pipeline: the latency controller, and wrappers of the router, the outermost first.</summary>
    internal static LayerPipeline Watched(LayerPipeline pipeline, IRouter router, MoELayerOptions options)
    {
        foreach (RouterWrapper wrapper in RouterChain.Wrappers(router).Reverse())
        {
            pipeline = wrapper.ForwardWatch is { } watch ? new WatchedPipeline(pipeline, watch) : pipeline;
        }

        return options.Latency is { } latency ? new WatchedPipeline(pipeline, latency) : pipeline;
    }
}
