using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// Entropy of each token's attention weights over ln(visible keys), joined over heads; weights are first raised to 1/temperature and
/// normalised. Without attention weights in the context: entropy of softmax(router logits / temperature) over ln(NumExperts).
/// </summary>
/// <remarks>raw = join over heads of -sum p ln(p + Epsilon) / ln(VisibleKeys), clamped to [0, 1]; 0 for a token that sees fewer than two keys. Range: raw and
/// score [0, 1]. Cost: heads * keys powers and logarithms per token. Fallback: router entropy, one more pass over the gate weights; 0.5 outside a
/// router. It measured little better than a random score on a small trained model.</remarks>
public sealed class AttentionEntropyEstimator : ComplexityEstimator
{
    private readonly float _temperature;

    /// <summary>Makes an estimator.</summary>
    /// <param name="options">HeadAggregation, Temperature, SmoothingFactor, Normalize, Epsilon; null for the defaults.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public AttentionEntropyEstimator(EstimatorOptions? options = null)
        : base(options ??= new EstimatorOptions())
    {
        Aggregation = options.HeadAggregation;
        _temperature = options.Temperature;
    }

    /// <inheritdoc/>
    public override string Name => ComplexityEstimators.AttentionEntropy;

    internal HeadAggregation Aggregation { get; }

    /// <inheritdoc/>
    public override void Estimate(in EstimationInput input, Span<float> raw)
    {
        if (input.Context is not { AttentionWeights.IsEmpty: false } context)
        {
            RouterEntropyFallback.Estimate(input, _temperature, raw);
            return;
        }

        if (context.AttentionHeads < 1 || context.AttentionWeights.Length % ((long)input.Tokens * context.AttentionHeads) != 0)
        {
            throw new RoutingValidationException(
                $"AttentionWeights has {context.AttentionWeights.Length} elements, not a multiple of tokens ({input.Tokens}) * AttentionHeads ({context.AttentionHeads}).");
        }

        if (!context.VisibleKeys.IsEmpty && context.VisibleKeys.Length != input.Tokens)
        {
            throw new RoutingValidationException($"VisibleKeys has {context.VisibleKeys.Length} elements, the batch has {input.Tokens} tokens.");
        }

        ScoreCalls.AttentionEntropy(
            context.AttentionWeights.Span, input.Tokens, context.AttentionHeads, context.VisibleKeys.Span, _temperature, Epsilon, Aggregation, raw);
    }

    internal override int Source(RoutingContext? context) => context is { AttentionWeights.IsEmpty: false } ? 0 : 1;

    internal override bool IsOfRowAlone(RoutingContext? context) => Source(context) == 1;
}
