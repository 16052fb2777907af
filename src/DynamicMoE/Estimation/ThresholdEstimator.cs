using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// Score of a function of the hidden state, taken as it is. Without a function: 1 for tokens whose L2 norm is above the running median,
/// else 0; 0.5 before the first batch.
/// </summary>
/// <remarks>Meant for tests and for rules of the user's own. Range: what the function returns, which must be in [0, 1]; else 0, 0.5 or 1. Cost: that of the
/// function, or InputDim multiply-adds per token. Fallback: the running median of the L2 norm.</remarks>
public sealed class ThresholdEstimator : ComplexityEstimator
{
    private readonly TokenScore? _function;

    /// <summary>Makes an estimator.</summary>
    /// <param name="options">ThresholdFunction, SmoothingFactor, Epsilon; null for the defaults.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public ThresholdEstimator(EstimatorOptions? options = null)
        : base(AsIs(options)) => _function = options?.ThresholdFunction;

    /// <summary>Makes an estimator of a function.</summary>
    /// <param name="function">Score of one hidden state, in [0, 1].</param>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    public ThresholdEstimator(TokenScore function)
        : this(new EstimatorOptions { ThresholdFunction = function ?? throw new ArgumentNullException(nameof(function)) })
    {
    }

    /// <inheritdoc/>
    public override string Name => ComplexityEstimators.Threshold;

    /// <inheritdoc/>
    public override void Estimate(in EstimationInput input, Span<float> raw)
    {
        if (_function is null)
        {
            ScoreCalls.L2Norm(input.Hidden, input.Tokens, input.InputDim, raw);
            return;
        }

        for (int token = 0; token < input.Tokens; token++)
        {
            raw[token] = _function(input.Hidden.Slice(token * input.InputDim, input.InputDim));
        }
    }

    // A function of the user's may remember something.
    internal override bool IsOfRowAlone(RoutingContext? context) => _function is null;

    internal override float FromShare(float share) => share > 0.5f ? 1 : 0;

    private static EstimatorOptions AsIs(EstimatorOptions? options) => new()
    {
        // A function's values are scores already; norms need the running table for its median.
        Normalize = options?.ThresholdFunction is null,
        Epsilon = options?.Epsilon ?? new EstimatorOptions().Epsilon,
        SmoothingFactor = options?.SmoothingFactor ?? new EstimatorOptions().SmoothingFactor,
    };
}
