using DynamicMoE.Native;

namespace DynamicMoE;

/// <content>Static routing, where something else than the router decides that it has to do.</content>
public partial class DynamicRouter
{
    /// <summary>Routes a batch at the trained number of experts, at most MaxExperts, by logits alone. The call's mask and caps hold; its scores, counts,
    /// thresholds and quality do not. Counts in the usage statistics; nothing else is learned from it.</summary>
    internal RoutingReport RouteStatic(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        capacity?.RequireValid();
        return RouteRows(hidden, tokens, buffers, context, capacity, fixedCount: true);
    }

    /// <summary>Joins the experts in service with a call's own mask.</summary>
    /// <param name="own">The call's mask, or empty.</param>
    /// <param name="scratch">Holds the result when both are given.</param>
    /// <returns>0 = not usable; empty = all are usable.</returns>
    internal ReadOnlySpan<byte> Usable(ReadOnlySpan<byte> own, RouteScratch scratch) => _usable.And(own, scratch);

    private RouteParams PrepareStatic(int tokens, RoutingContext? context, RouteScratch scratch)
    {
        var call = new RouteParams { MaxDistinct = _options.MaxDistinctExperts ?? 0 };
        if (context is not null)
        {
            ContextRules.Apply(context, tokens, NumExperts, ref call);
        }

        RouteParams parameters = PrepareFull(scratch);
        parameters.ExpertMask = _usable.And(call.ExpertMask, scratch);
        parameters.MaxDistinct = call.MaxDistinct;
        int most = Math.Min(NumExperts - parameters.ExpertMask.Count((byte)0), call.MaxDistinct > 0 ? call.MaxDistinct : NumExperts);
        parameters.MinExperts = Math.Max(MinExperts, Math.Min(Math.Min(TrainedExperts, MaxExperts), most));
        parameters.MaxExperts = parameters.MinExperts;
        return parameters;
    }

    private void Learn(
        bool fixedCount, in RouteParams parameters, RouteScratch scratch, int tokens, RoutingBuffers routes, RoutingContext? context)
    {
        if (fixedCount)
        {
            _usage.Record(routes.ExpertRoutes);
            return;
        }

        ScaleWeights(routes, tokens, scratch);
        Commit(in parameters, scratch, tokens, routes, context);
    }
}
