namespace DynamicMoE;

/// <summary>All batches that a <see cref="FlopProfiler"/> has profiled, added up. Routing alone and whole layers are kept apart.</summary>
/// <param name="RoutingProfiles">Profiles of routing alone.</param>
/// <param name="LayerProfiles">Profiles of layers, which the figures below are of; of routing alone where there is no layer among them.</param>
/// <param name="Tokens">Tokens.</param>
/// <param name="Routes">Sum of experts over tokens.</param>
/// <param name="MeanExpertsPerToken">Routes per token; 0 without tokens.</param>
/// <param name="ProductFlops">Operations of matrix products.</param>
/// <param name="OtherFlops">Other operations.</param>
/// <param name="WeightBytes">Bytes of weights, each once per batch.</param>
/// <param name="ActivationBytes">Bytes of rows read and written.</param>
/// <param name="StaticProductFlops">Matrix products at the trained number of experts; 0 for routing alone.</param>
/// <param name="FlopsSaving">1 - products / static products; null for routing alone.</param>
/// <param name="Seconds">Sum of the median times.</param>
/// <param name="Components">Parts of the work, added up by name and weight format.</param>
public sealed record FlopSummary(
    int RoutingProfiles,
    int LayerProfiles,
    long Tokens,
    long Routes,
    double MeanExpertsPerToken,
    long ProductFlops,
    long OtherFlops,
    long WeightBytes,
    long ActivationBytes,
    long StaticProductFlops,
    double? FlopsSaving,
    double Seconds,
    IReadOnlyList<ComponentCost> Components)
{
    internal static FlopSummary Of(IReadOnlyList<FlopProfile> profiles)
    {
        FlopProfile[] layers = [.. profiles.Where(profile => profile.Kind == FlopProfile.Layer)];
        IReadOnlyList<FlopProfile> counted = layers.Length > 0 ? layers : profiles;
        ComponentCost[] components = [.. counted.SelectMany(profile => profile.Components).GroupBy(cost => (cost.Component, cost.Format)).Select(Sum)];
        long tokens = counted.Sum(profile => profile.Tokens), routes = counted.Sum(profile => profile.Routes);
        long products = components.Sum(cost => cost.ProductFlops), fixedProducts = counted.Sum(profile => profile.StaticProductFlops ?? 0);
        return new FlopSummary(
            profiles.Count - layers.Length,
            layers.Length,
            tokens,
            routes,
            tokens == 0 ? 0 : (double)routes / tokens,
            products,
            components.Sum(cost => cost.OtherFlops),
            components.Sum(cost => cost.WeightBytes),
            components.Sum(cost => cost.ActivationBytes),
            fixedProducts,
            fixedProducts == 0 ? null : 1 - ((double)products / fixedProducts),
            counted.Sum(profile => profile.Timing.MedianSeconds),
            components);
    }

    private static ComponentCost Sum(IGrouping<(string Component, WeightFormat Format), ComponentCost> costs) => new(
        costs.Key.Component,
        costs.Key.Format,
        costs.Sum(cost => cost.ProductFlops),
        costs.Sum(cost => cost.OtherFlops),
        costs.Sum(cost => cost.WeightBytes),
        costs.Sum(cost => cost.ActivationBytes));
}
