using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// Entropy of softmax(LM-head logits / temperature) over ln(vocabulary): how unsure the model is of the next token. Without LM-head
/// logits in the context: entropy of softmax(router logits / temperature) over ln(NumExperts).
/// </summary>
/// <remarks>Range: raw and score [0, 1]. Cost: one exponential per vocabulary entry and token, beside the LM head that the host runs for it. Fallback:
/// router entropy, one more pass over the gate weights; 0.5 outside a router. Epsilon has nothing to guard. LM-head entropy of inner layers measured
/// no better than a random score on a small trained model.</remarks>
public sealed class PerplexityProxyEstimator : ComplexityEstimator
{
    private readonly float _temperature;

    /// <summary>Makes an estimator.</summary>
    /// <param name="options">Temperature, SmoothingFactor, Normalize, Epsilon; null for the defaults.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public PerplexityProxyEstimator(EstimatorOptions? options = null)
        : base(options ??= new EstimatorOptions()) => _temperature = options.Temperature;

    /// <inheritdoc/>
    public override string Name => ComplexityEstimators.PerplexityProxy;

    /// <inheritdoc/>
    public override void Estimate(in EstimationInput input, Span<float> raw)
    {
        if (input.Context is not { LmHeadLogits.IsEmpty: false } context)
        {
            RouterEntropyFallback.Estimate(input, _temperature, raw);
            return;
        }

        ReadOnlySpan<float> logits = context.LmHeadLogits.Span;
        if (logits.Length % input.Tokens != 0)
        {
            throw new RoutingValidationException($"LmHeadLogits has {logits.Length} elements, not a multiple of tokens ({input.Tokens}).");
        }

        ScoreCalls.SoftmaxEntropy(logits, input.Tokens, logits.Length / input.Tokens, _temperature, raw);
    }

    internal override int Source(RoutingContext? context) => context is { LmHeadLogits.IsEmpty: false } ? 0 : 1;

    internal override bool IsOfRowAlone(RoutingContext? context) => Source(context) == 1;
}
