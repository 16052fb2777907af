using System.Numerics.Tensors;

namespace DynamicMoE;

/// <content>Overloads for tensors.</content>
public partial class MoELayer
{
    /// <summary>Runs the layer on a batch of tensors. Allocates nothing after warm-up.</summary>
    /// <param name="input">Hidden states, <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, dense row-major, finite.</param>
    /// <param name="output">[out] The same shape; must not overlap <paramref name="input"/>.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <returns>Figures of the batch.</returns>
    /// <exception cref="RoutingValidationException">Shapes differ, a view is not dense, the views overlap, or a value is not finite. Nothing was written.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed. Nothing was written.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than MinExperts. Nothing was written.</exception>
    /// <exception cref="ExpertDispatchException">An expert failed; the output is undefined.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory could not be had; the output is undefined.</exception>
    /// <exception cref="ObjectDisposedException">The layer or the router is disposed.</exception>
    public RoutingReport Forward(in ReadOnlyTensorSpan<float> input, in TensorSpan<float> output, RoutingContext? context = null)
    {
        ReadOnlySpan<float> hidden = Shapes.Rows(in input, Router.InputDim, nameof(input), out int tokens);
        Span<float> rows = Shapes.Rows(in output, Router.InputDim, nameof(output));
        if (!input.Lengths.SequenceEqual(output.Lengths))
        {
            throw new RoutingValidationException(
                $"input has {tokens} tokens in {input.Rank} dimensions, output {rows.Length / Router.InputDim} in {output.Rank}; the shapes must be equal.");
        }

        return Forward(hidden, tokens, rows, null, context);
    }

    /// <summary>Runs the layer on a batch and returns new tensors.</summary>
    /// <param name="input">Hidden states, <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, dense row-major, finite.</param>
    /// <param name="returnRouterLogits">Whether the result carries the raw router scores.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <returns>The output, with the shape of the input, and the routing behind it.</returns>
    /// <exception cref="RoutingValidationException">A shape does not fit, the view is not dense, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than MinExperts.</exception>
    /// <exception cref="ExpertDispatchException">An expert failed.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory or the results could not be had.</exception>
    /// <exception cref="ObjectDisposedException">The layer or the router is disposed.</exception>
    public MoEResult Forward(in ReadOnlyTensorSpan<float> input, bool returnRouterLogits = false, RoutingContext? context = null)
    {
        ReadOnlySpan<float> hidden = Shapes.Rows(in input, Router.InputDim, nameof(input), out int tokens);
        try
        {
            RoutingBuffers buffers = RoutingBuffers.For(Router, tokens, returnRouterLogits);
            var output = new float[hidden.Length];
            float tau = Router.Tau;
            RoutingReport report = Forward(hidden, tokens, output, buffers, context);
            RoutingResult routing = RoutingResult.From(buffers, input.Lengths, Router, report, tau, BatchWideRule || Router.HasBatchWideRule(context));
            return new MoEResult(Tensor.Create(output, input.Lengths), routing);
        }
        catch (OutOfMemoryException error)
        {
            throw DynamicMoEMemoryException.Of(tokens, error);
        }
    }
}
