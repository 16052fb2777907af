namespace DynamicMoE;

/// <summary>Makes the built-in estimators by name.</summary>
internal static class BuiltInEstimators
{
    /// <summary>Source of the score that the native routing call computes by itself, or null when an estimator runs before it.</summary>
    internal static ScoreSource? Fused(string name) => name switch
    {
        ComplexityEstimators.RouterMargin => ScoreSource.RouterMargin,
        ComplexityEstimators.RouterEntropy => ScoreSource.RouterEntropy,
        _ => null,
    };

    /// <returns>A new estimator, or null when the name is fused or unknown.</returns>
    internal static ComplexityEstimator? Create(string name, EstimatorOptions options) => name switch
    {
        ComplexityEstimators.GradientNorm => new GradientNormEstimator(options),
        ComplexityEstimators.AttentionEntropy => new AttentionEntropyEstimator(options),
        ComplexityEstimators.PerplexityProxy => new PerplexityProxyEstimator(options),
        ComplexityEstimators.Threshold => new ThresholdEstimator(options),
        _ => null,
    };
}

/// <summary>Where a token's score comes from (the native values of the same names).</summary>
internal enum ScoreSource
{
    Half = 0,
    Supplied = 1,
    RouterMargin = 2,
    RouterEntropy = 3,
}
