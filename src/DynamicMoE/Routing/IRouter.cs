using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>Selects experts for each token. Implementations may be called by many threads at once.</summary>
public interface IRouter
{
    /// <summary>Hidden size that the router reads.</summary>
    int InputDim { get; }

    /// <summary>Number of experts that it chooses from.</summary>
    int NumExperts { get; }

    /// <summary>Fewest experts per token.</summary>
    int MinExperts { get; }

    /// <summary>Most experts per token: the slots that a result has for each token.</summary>
    int MaxExperts { get; }

    /// <summary>Experts per token of the static model that savings are measured against.</summary>
    int TrainedExperts { get; }

    /// <summary>When the selection of experts for a token stops.</summary>
    RoutingStrategy Strategy { get; }

    /// <summary>How probabilities become weights.</summary>
    Weighting Weighting { get; }

    /// <summary>Name of the estimator behind the complexity scores.</summary>
    string EstimatorName { get; }

    /// <summary>Threshold that the next batch gets; 0 when the strategy has none.</summary>
    float Tau { get; }

    /// <summary>Routes a batch into caller-owned buffers. Allocates nothing after warm-up.</summary>
    /// <param name="hidden">Hidden states, <c>[tokens, InputDim]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows of <paramref name="hidden"/>, at least 1.</param>
    /// <param name="buffers">Receives the decisions; unchanged when the call fails.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <returns>Figures of the batch.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, the batch is empty, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than <see cref="MinExperts"/>.</exception>
    /// <exception cref="ObjectDisposedException">The router or its gate is disposed.</exception>
    RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null);

    /// <summary>Whether <see cref="RouteWithin"/> is there, which <see cref="SparseMoELayer"/> needs. A router around another one answers as that does.</summary>
    /// <value>The default is false.</value>
    bool CanLimit => false;

    /// <summary>Whether a token's routes depend on the batch it comes in, as with a cap on distinct experts. A router around another one answers as that does.</summary>
    /// <param name="context">What the call will get, or null.</param>
    /// <returns>The default is false.</returns>
    bool HasBatchWideRule(RoutingContext? context = null) => false;

    /// <summary>Routes a batch and cuts its routes to a capacity per expert: a token's routes then depend on the batch it came in.</summary>
    /// <param name="capacity">Most routes of an expert, and what happens to those above it.</param>
    /// <param name="hidden">Hidden states, <c>[tokens, InputDim]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows of <paramref name="hidden"/>, at least 1.</param>
    /// <param name="buffers">Receives the decisions that are left; unchanged when the call fails.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <returns>Figures of the batch, with its overflow.</returns>
    /// <exception cref="NotSupportedException">The router has no such limit.</exception>
    /// <exception cref="RouterConfigurationException">A value of <paramref name="capacity"/> is outside its range.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, the batch is empty, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than <see cref="MinExperts"/>.</exception>
    /// <exception cref="ObjectDisposedException">The router or its gate is disposed.</exception>
    RoutingReport RouteWithin(
        CapacityLimit capacity, ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null) =>
        throw new NotSupportedException($"{GetType().Name} has no capacity limit.");

    /// <summary>Routes a batch and returns new arrays.</summary>
    /// <param name="hidden">Hidden states, <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, dense row-major, finite.</param>
    /// <param name="returnRouterLogits">Whether the result carries the raw router scores.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <returns>Decisions with the leading dimensions of <paramref name="hidden"/>.</returns>
    /// <exception cref="RoutingValidationException">A shape does not fit, the view is not dense, the batch is empty, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than <see cref="MinExperts"/>.</exception>
    /// <exception cref="ObjectDisposedException">The router or its gate is disposed.</exception>
    RoutingResult Route(in ReadOnlyTensorSpan<float> hidden, bool returnRouterLogits = false, RoutingContext? context = null);

    /// <summary>Tells how evenly the experts were used since the router was built.</summary>
    /// <returns>A consistent snapshot.</returns>
    ExpertUsageStats GetExpertUsageStats();
}
