using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>A dynamic router and native experts: one native call per batch. A managed estimator runs before it.</summary>
internal sealed class FusedPipeline(DynamicRouter router, ExpertBank experts, MoELayerOptions options, CapacityLimit? limit) : LayerPipeline
{
    private readonly ScratchPool<RouteScratch> _scratch = new();
    private readonly LayerHandle _layer = LayerCalls.Create(
        options.MaxTokens, options.Threads, router.Gate.Handle, experts.Handle, options.SharedExperts?.Handle, options.SharedExpertGate);

    internal override RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        router.ThrowIfDisposed();
        RouteScratch scratch = _scratch.Rent();
        try
        {
            RouteParams parameters = router.Prepare(hidden, tokens, context, scratch);
            RoutingReport report = LayerCalls.Forward(_layer, hidden, tokens, router.InputDim, in parameters, limit, routing, output);
            router.Commit(in parameters, scratch, tokens, routing, context);
            return report;
        }
        finally
        {
            _scratch.Return(scratch);
        }
    }

    internal override RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing)
    {
        router.ThrowIfDisposed();
        return LayerCalls.Execute(_layer, hidden, tokens, router.InputDim, routing, output);
    }

    public override void Dispose() => _layer.Dispose();
}
