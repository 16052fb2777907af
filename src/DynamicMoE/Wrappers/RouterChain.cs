namespace DynamicMoE;

/// <summary>A router and those inside it.</summary>
internal static class RouterChain
{
    /// <summary>The wrappers from the outermost to the innermost; empty for a router that is none.</summary>
    internal static RouterWrapper[] Wrappers(IRouter router)
    {
        var wrappers = new List<RouterWrapper>();
        for (IRouter at = router; at is RouterWrapper wrapper; at = wrapper.Inner)
        {
            wrappers.Add(wrapper);
        }

        return [.. wrappers];
    }

    /// <summary>The first router that is no wrapper. Wrappers hand rows on as they are, so that what is known of a row holds there too.</summary>
    internal static IRouter Innermost(IRouter router)
    {
        while (router is RouterWrapper wrapper)
        {
            router = wrapper.Inner;
        }

        return router;
    }

    /// <summary>The router inside all wrappers, or null when it is not one of ours.</summary>
    internal static DynamicRouter? Dynamic(IRouter router) => Innermost(router) as DynamicRouter;
}
