namespace DynamicMoE;

/// <summary>A pipeline whose batches are watched; given routes are run unseen. Does not own the pipeline.</summary>
internal sealed class WatchedPipeline(LayerPipeline pipeline, IForwardWatch watch) : LayerPipeline
{
    internal override RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        ForwardScope scope = watch.Begin();
        RoutingReport report;
        try
        {
            report = pipeline.Run(hidden, tokens, output, routing, context);
        }
        catch (Exception error)
        {
            watch.Fail(in scope, error);
            throw;
        }

        watch.End(in scope, in report, routing);
        return report;
    }

    internal override RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing) =>
        pipeline.Execute(hidden, tokens, output, routing);

    public override void Dispose()
    {
        // The layer disposes the pipeline inside.
    }
}
