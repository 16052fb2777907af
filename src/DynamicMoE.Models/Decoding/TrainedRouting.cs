namespace DynamicMoE.Models;

/// <summary>Routes by the checkpoint's own rule, whatever is in force.</summary>
/// <param name="experts">Experts per token of that rule.</param>
internal sealed class TrainedRouting(int experts) : IRoutingSource
{
    public int MostExperts => experts;

    public void Next(ReadOnlySpan<int> tokens, int position)
    {
    }

    public RoutingReport Run(int index, MoEBlock block, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingBuffers buffers) =>
        block.ForwardAsTrained(x, tokens, y, buffers);
}
