namespace DynamicMoE;

/// <summary>Names of the built-in complexity estimators, as configuration spells them.</summary>
public static class ComplexityEstimators
{
    /// <summary><see cref="GradientNormEstimator"/>.</summary>
    public const string GradientNorm = "gradient_norm";

    /// <summary><see cref="AttentionEntropyEstimator"/>.</summary>
    public const string AttentionEntropy = "attention_entropy";

    /// <summary><see cref="PerplexityProxyEstimator"/>.</summary>
    public const string PerplexityProxy = "perplexity_proxy";

    /// <summary><see cref="ThresholdEstimator"/>.</summary>
    public const string Threshold = "threshold";

    /// <summary>Second-best over best router probability, 1 = ambiguous. Computed inside the routing call, without a pass of its own.</summary>
    public const string RouterMargin = "router_margin";

    /// <summary>Entropy of the router probabilities over ln(NumExperts). Computed inside the routing call, without a pass of its own.</summary>
    public const string RouterEntropy = "router_entropy";

    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> All { get; } =
        [GradientNorm, AttentionEntropy, PerplexityProxy, Threshold, RouterMargin, RouterEntropy];
}
