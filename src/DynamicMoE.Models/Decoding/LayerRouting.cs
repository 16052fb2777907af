namespace DynamicMoE.Models;

/// <summary>What the router of one layer did in one forward pass.</summary>
/// <param name="Layer">Index of the decoder layer.</param>
/// <param name="Report">Figures of the pass; experts and loads are counted over all its positions.</param>
public readonly record struct LayerRouting(int Layer, RoutingReport Report);
