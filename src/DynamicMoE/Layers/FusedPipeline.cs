using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// A dynamic router and native experts: one native call per batch. A managed estimator runs before it. Wrappers around the router let the call pass,
/// hear of it afterwards, and may ask for a batch of their own: that one is routed by them and run in a second call.
/// </summary>
internal sealed class FusedPipeline(IRouter outermost, DynamicRouter router, ExpertBank experts, MoELayerOptions options, CapacityLimit? limit) : LayerPipeline
{
    private readonly ScratchPool<RouteScratch> _scratch = new();
    private readonly RouterWrapper[] _wrappers = RouterChain.Wrappers(outermost);
    private readonly NativeLayer _layer = new(router.Gate.Handle, experts, options, router.Logger);

    internal override NativeLayer Layer => _layer;

    internal override RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context) =>
        _wrappers.Length == 0 ? RunFused(hidden, tokens, output, routing, context) : RunPast(hidden, tokens, output, routing, context);

    internal override RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing)
    {
        router.ThrowIfDisposed();
        return _layer.Execute(hidden, tokens, router.InputDim, routing, output);
    }

    public override void Dispose() => _layer.Dispose();

    private RoutingReport RunFused(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        router.ThrowIfDisposed();
        RouteScratch scratch = _scratch.Rent();
        try
        {
            RouteParams parameters = router.Prepare(hidden, tokens, context, scratch);
            RoutingReport report = _layer.Forward(hidden, tokens, router.InputDim, in parameters, limit, routing, output);
            router.Commit(in parameters, scratch, tokens, routing, context);
            return report;
        }
        finally
        {
            _scratch.Return(scratch);
        }
    }

    private RoutingReport RunPast(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        foreach (RouterWrapper wrapper in _wrappers)
        {
            if (!wrapper.MayPass)
            {
                return RunRouted(hidden, tokens, output, routing, context);
            }
        }

        RoutingReport report;
        try
        {
            report = RunFused(hidden, tokens, output, routing, context);
        }
        catch (Exception error)
        {
            foreach (RouterWrapper wrapper in _wrappers)
            {
                wrapper.PassFailed(error);
            }

            throw;
        }

        foreach (RouterWrapper wrapper in _wrappers)
        {
            wrapper.Passed(in report, routing);
        }

        return report;
    }

    private RoutingReport RunRouted(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        RoutingReport report = limit is { } capacity
            ? outermost.RouteWithin(capacity, hidden, tokens, routing, context)
            : outermost.Route(hidden, tokens, routing, context);
        _ = Execute(hidden, tokens, output, routing);
        return report;
    }
}
