namespace DynamicMoE;

/// <summary>One way to get from hidden states to a layer's output. Shapes were checked before.</summary>
internal abstract class LayerPipeline : IDisposable
{
    internal abstract RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context);

    public abstract void Dispose();
}
