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

    /// <summary>Second-best over best router probability, exp(l(2) - l(1)) of a softmax gate: 1 = ambiguous, 0 = certain or a single expert. Taken as it is,
    /// in [0, 1]. Computed inside the routing call, without a pass of its own; needs nothing from the host, so that there is no fallback.</summary>
    public const string RouterMargin = "router_margin";

    /// <summary>Entropy of the router probabilities over ln(NumExperts), 0 for a single expert. Taken as it is, in [0, 1]. Computed inside the routing call:
    /// NumExperts exponentials per token. Needs nothing from the host, so that there is no fallback.</summary>
    public const string RouterEntropy = "router_entropy";

    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> All { get; } =
        [GradientNorm, AttentionEntropy, PerplexityProxy, Threshold, RouterMargin, RouterEntropy];
}
