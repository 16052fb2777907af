namespace DynamicMoE;

/// <summary>Options of the built-in estimators; each reads the ones that concern it.</summary>
public sealed class EstimatorOptions
{
    /// <summary>Whether raw values are mapped to [0, 1] through the running quantile table. Without it raw values must lie in [0, 1].</summary>
    /// <value>The default is true.</value>
    public bool Normalize { get; set; } = true;

    /// <summary>Guards divisions and logarithms against zero.</summary>
    /// <value>Finite and above 0. The default is 1e-8.</value>
    public float Epsilon { get; set; } = 1e-8f;

    /// <summary>gradient_norm: the running percentile from which on a token scores 1.</summary>
    /// <value>Above 0, at most 100. The default is 90.</value>
    public double Percentile { get; set; } = 90;

    /// <summary>Weight of the newest 64 tokens in the running quantile table.</summary>
    /// <value>Above 0, at most 1. The default is 0.1.</value>
    public double SmoothingFactor { get; set; } = 0.1;

    /// <summary>attention_entropy: joins the heads of a token.</summary>
    /// <value>The default is <see cref="DynamicMoE.HeadAggregation.Mean"/>.</value>
    public HeadAggregation HeadAggregation { get; set; }

    /// <summary>attention_entropy and perplexity_proxy: divides logits, or sharpens attention weights by the power 1/temperature.</summary>
    /// <value>Finite and above 0. The default is 1.</value>
    public float Temperature { get; set; } = 1;

    /// <summary>threshold: score of one hidden state, or null for the running median of the L2 norm.</summary>
    /// <value>The default is null.</value>
    public TokenScore? ThresholdFunction { get; set; }

    internal void Validate() => new OptionRules(nameof(EstimatorOptions))
        .Positive(nameof(Epsilon), Epsilon)
        .Require(Percentile is > 0 and <= 100, $"Percentile ({Percentile}) must be above 0 and at most 100.")
        .Require(SmoothingFactor is > 0 and <= 1, $"SmoothingFactor ({SmoothingFactor}) must be above 0 and at most 1.")
        .Defined(nameof(HeadAggregation), HeadAggregation)
        .Positive(nameof(Temperature), Temperature)
        .ThrowIfBroken();
}

/// <summary>Scores one token.</summary>
/// <param name="hidden">Its hidden state, <c>[InputDim]</c>.</param>
/// <returns>Complexity in [0, 1].</returns>
public delegate float TokenScore(ReadOnlySpan<float> hidden);
