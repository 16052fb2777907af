using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// L2 norm of each token's gradient: raw = sqrt(sum g^2), score = min(1, share / (percentile / 100)) with share from the running
/// quantile table. Without gradients in the context the hidden state takes their place (activation norm).
/// </summary>
/// <remarks>Range: raw 0 to the largest float, score [0, 1]. Cost: InputDim multiply-adds per token. Fallback: activation norm, which measured worse
/// than a random score on a small trained model (a larger residual makes an expert matter less); true gradients were not measured. Raw norms
/// exceed 1, so that Normalize is needed.</remarks>
public sealed class GradientNormEstimator : ComplexityEstimator
{
    private readonly float _saturation;

    /// <summary>Makes an estimator.</summary>
    /// <param name="options">Percentile, SmoothingFactor, Normalize, Epsilon; null for the defaults.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public GradientNormEstimator(EstimatorOptions? options = null)
        : base(options ??= new EstimatorOptions()) => _saturation = (float)(options.Percentile / 100);

    /// <inheritdoc/>
    public override string Name => ComplexityEstimators.GradientNorm;

    /// <inheritdoc/>
    public override void Estimate(in EstimationInput input, Span<float> raw)
    {
        ReadOnlySpan<float> rows = input.Hidden;
        if (input.Context is { Gradients.IsEmpty: false } context)
        {
            rows = context.Gradients.Span;
            Shapes.RequireRows(rows.Length, input.Tokens, input.InputDim, nameof(RoutingContext.Gradients));
        }

        ScoreCalls.L2Norm(rows, input.Tokens, input.InputDim, raw);
    }

    internal override int Source(RoutingContext? context) => context is { Gradients.IsEmpty: false } ? 0 : 1;

    internal override bool IsOfRowAlone(RoutingContext? context) => Source(context) == 1;

    internal override float FromShare(float share) => Math.Min(1, share / _saturation);
}
