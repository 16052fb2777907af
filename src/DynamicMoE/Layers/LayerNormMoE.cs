using System.Numerics.Tensors;
using DynamicMoE.Compute;

namespace DynamicMoE;

/// <summary>A layer with normalisation before it and a residual connection around it: y = x + MoE(LayerNorm(x)).</summary>
public class LayerNormMoE : MoELayer
{
    private readonly ScratchPool<RouteScratch> _normalised = new();

    /// <summary>Makes a layer of native experts.</summary>
    /// <param name="router">Chooses experts; not owned.</param>
    /// <param name="experts">Complete experts; not owned, but kept alive by the layer.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="experts"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">Shapes of router and experts differ, an expert has no weights, or an option is outside its range.</exception>
    public LayerNormMoE(IRouter router, ExpertBank experts, LayerNormMoEOptions? options = null)
        : base(router, experts, options ?? new LayerNormMoEOptions())
    {
    }

    /// <summary>Makes a layer of managed experts, which the layer owns and disposes.</summary>
    /// <param name="router">Chooses experts; not owned.</param>
    /// <param name="expertFactory">Makes the expert of an index 0..numExperts-1.</param>
    /// <param name="numExperts">Number of experts: that of the router.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="expertFactory"/> is null, or it returned null.</exception>
    /// <exception cref="RouterConfigurationException">The number of experts differs from the router's, or an option is outside its range.</exception>
    public LayerNormMoE(IRouter router, Func<int, IExpert> expertFactory, int numExperts, LayerNormMoEOptions? options = null)
        : base(router, expertFactory, numExperts, options ?? new LayerNormMoEOptions())
    {
    }

    private protected override RoutingReport ForwardRows(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context, bool given)
    {
        // A row of infinities would come out of the normalisation as finite zeros in some positions: look at the input itself.
        Shapes.RequireFinite(hidden, Router.InputDim, nameof(hidden));
        var options = (LayerNormMoEOptions)Options;
        RouteScratch scratch = _normalised.Rent();
        try
        {
            Span<float> normalised = scratch.Logits(hidden.Length);
            Normalization.Layer(hidden, tokens, options.LayerNormWeight, options.LayerNormBias, options.LayerNormEps, normalised);
            RoutingReport report = base.ForwardRows(normalised, tokens, output, routing, context, given);
            TensorPrimitives.Add(output, hidden, output);
            return report;
        }
        finally
        {
            _normalised.Return(scratch);
        }
    }
}
