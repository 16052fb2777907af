using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Runs rows through a layer's experts at the trained number of experts per token. Nothing is learned from it, and no budget applies.</summary>
internal abstract class FullRun : IDisposable
{
    internal abstract void Run(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing);

    public abstract void Dispose();
}

/// <summary>Native experts: a layer handle of its own, on the calling thread only, so that the hot path keeps the pool.</summary>
internal sealed class NativeFullRun(DynamicRouter router, ExpertBank experts, MoELayerOptions options, int rows) : FullRun
{
    private readonly RouteScratch _scratch = new();
    private readonly LayerHandle _layer = LayerCalls.Create(
        rows, threads: 1, router.Gate.Handle, experts.Handle, options.SharedExperts?.Handle, options.SharedExpertGate);

    internal override void Run(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing)
    {
        router.ThrowIfDisposed();
        RouteParams parameters = router.PrepareFull(_scratch);
        LayerCalls.Forward(_layer, hidden, tokens, router.InputDim, in parameters, null, routing, output);
    }

    public override void Dispose() => _layer.Dispose();
}

/// <summary>Managed experts: those of the layer, called beside the layer's own calls.</summary>
internal sealed class ManagedFullRun(DynamicRouter router, ManagedPipeline pipeline) : FullRun
{
    private readonly RouteScratch _scratch = new();

    internal override void Run(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing)
    {
        router.ThrowIfDisposed();
        RouteParams parameters = router.PrepareFull(_scratch);
        RouterCalls.Route(router.Gate.Handle, hidden, tokens, router.InputDim, in parameters, routing);
        pipeline.Execute(hidden, tokens, output, routing);
    }

    public override void Dispose()
    {
        // The pipeline belongs to the layer.
    }
}
