using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>Weights of a static rule.</summary>
internal static class StaticWeights
{
    /// <summary>What the checkpoint does with another num_experts_per_tok in its config.json: a renormalising one gives a single expert weight 1.</summary>
    public static Weighting Of(ExpertsConfig config) => config.NormalizeTopK ? Weighting.Renormalize : Weighting.Raw;
}
