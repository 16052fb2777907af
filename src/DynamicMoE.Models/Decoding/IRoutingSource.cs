namespace DynamicMoE.Models;

/// <summary>Decides in place of the routers in force.</summary>
internal interface IRoutingSource
{
    /// <summary>Most experts of a token in the chunk; 0 = as many as the router in force has.</summary>
    int MostExperts { get; }

    /// <summary>Begins a chunk of a pass.</summary>
    /// <exception cref="RoutingValidationException">The chunk is not the one that it has decisions for.</exception>
    void Next(ReadOnlySpan<int> tokens, int position);

    /// <summary>Runs the i-th block on the chunk.</summary>
    RoutingReport Run(int index, MoEBlock block, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingBuffers buffers);
}
