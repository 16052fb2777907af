namespace DynamicMoE;

/// <summary>One way to get from hidden states to a layer's output. Shapes were checked before.</summary>
internal abstract class LayerPipeline : IDisposable
{
    /// <summary>The native layer; null when experts are managed.</summary>
    internal virtual NativeLayer? Layer => null;

    internal abstract RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context);

    /// <summary>Runs the experts on routes that were decided elsewhere; ids are checked, weights are not.</summary>
    internal abstract RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing);

    public abstract void Dispose();
}
