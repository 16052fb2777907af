namespace DynamicMoE;

/// <summary>Figures of one routed batch.</summary>
/// <param name="Tokens">Tokens in the batch.</param>
/// <param name="Routes">Sum of experts over tokens, after capacity.</param>
/// <param name="DistinctExperts">Experts with at least one route.</param>
/// <param name="MaxExpertRoutes">Largest number of routes of one expert.</param>
/// <param name="OverflowRoutes">Routes over an expert's capacity, before they were dropped or rerouted.</param>
/// <param name="DroppedRoutes">Routes dropped.</param>
public readonly record struct RoutingReport(
    long Tokens, long Routes, int DistinctExperts, long MaxExpertRoutes, long OverflowRoutes, long DroppedRoutes)
{
    /// <summary>Mean experts per token; 0 without tokens.</summary>
    public double MeanExpertsPerToken => Tokens == 0 ? 0 : (double)Routes / Tokens;
}
