namespace DynamicMoE;

/// <summary>Names of the parts that a profile divides a batch's work into. The folder's README has the formula of each.</summary>
public static class ProfileComponents
{
    /// <summary>Complexity scores, with a second pass over the gate where the estimator asks for one.</summary>
    public const string Estimator = "estimator";

    /// <summary>Logits, noise and probabilities.</summary>
    public const string Gate = "gate";

    /// <summary>Weights of the selected experts. Ordering and thresholds are comparisons, which are not counted.</summary>
    public const string Selection = "selection";

    /// <summary>Routed experts.</summary>
    public const string Experts = "experts";

    /// <summary>Shared experts and their gate.</summary>
    public const string SharedExperts = "shared_experts";

    /// <summary>Weighted sum of the experts' outputs.</summary>
    public const string Combine = "combine";

    /// <summary>Layer norm and residual connection of <see cref="LayerNormMoE"/>.</summary>
    public const string Normalization = "normalization";
}
