namespace DynamicMoE.Models;

/// <summary>Figures of the MoE layers over one or more forward passes.</summary>
/// <param name="Tokens">Positions computed.</param>
/// <param name="Passes">Forward passes.</param>
/// <param name="LayerTokens">Positions times layers with experts.</param>
/// <param name="Routes">Expert uses, over all layers.</param>
/// <param name="DistinctExperts">Distinct experts per pass and layer, summed.</param>
/// <param name="LayerPasses">Passes times layers with experts.</param>
/// <param name="MoEFlops">Floating-point operations of gates, shared and routed experts; two per weight, activations not counted.</param>
/// <param name="MoETime">Wall time of the MoE blocks.</param>
public readonly record struct ForwardReport(
    long Tokens, long Passes, long LayerTokens, long Routes, long DistinctExperts, long LayerPasses, double MoEFlops, TimeSpan MoETime)
{
    /// <summary>Mean experts per token and layer; 0 without tokens.</summary>
    public double MeanExpertsPerToken => LayerTokens == 0 ? 0 : (double)Routes / LayerTokens;

    /// <summary>Mean distinct experts per pass and layer; 0 without passes.</summary>
    public double MeanDistinctExperts => LayerPasses == 0 ? 0 : (double)DistinctExperts / LayerPasses;

    /// <summary>Adds figures.</summary>
    /// <param name="other">Figures of other passes.</param>
    /// <returns>The sums.</returns>
    public ForwardReport Add(in ForwardReport other) => new(
        Tokens + other.Tokens,
        Passes + other.Passes,
        LayerTokens + other.LayerTokens,
        Routes + other.Routes,
        DistinctExperts + other.DistinctExperts,
        LayerPasses + other.LayerPasses,
        MoEFlops + other.MoEFlops,
        MoETime + other.MoETime);
}
