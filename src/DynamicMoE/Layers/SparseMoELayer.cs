namespace DynamicMoE;

/// <summary>
/// A layer whose experts take at most ceil(CapacityFactor * routes / experts) routes each. Routes claim room in order of falling weight, then
/// token; the others are dropped or rerouted. A token's output therefore depends on the batch it came in.
/// </summary>
public class SparseMoELayer : MoELayer
{
    /// <summary>Makes a layer of native experts.</summary>
    /// <param name="router">Chooses experts within the capacity, see <see cref="IRouter.RouteWithin"/>; not owned.</param>
    /// <param name="experts">Complete experts; not owned, but kept alive by the layer.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="experts"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">Shapes of router and experts differ, an expert has no weights, the router has no capacity limit, or an option is outside its range.</exception>
    public SparseMoELayer(IRouter router, ExpertBank experts, SparseMoELayerOptions? options = null)
        : base(router, new ExpertSource(experts), options ??= new SparseMoELayerOptions(), Limit(options))
    {
    }

    /// <summary>Makes a layer of managed experts, which the layer owns and disposes.</summary>
    /// <param name="router">Chooses experts within the capacity, see <see cref="IRouter.RouteWithin"/>; not owned.</param>
    /// <param name="expertFactory">Makes the expert of an index 0..numExperts-1.</param>
    /// <param name="numExperts">Number of experts: that of the router.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="expertFactory"/> is null, or it returned null.</exception>
    /// <exception cref="RouterConfigurationException">The number of experts differs from the router's, the router has no capacity limit, or an option is outside its range.</exception>
    public SparseMoELayer(IRouter router, Func<int, IExpert> expertFactory, int numExperts, SparseMoELayerOptions? options = null)
        : base(router, new ExpertSource(expertFactory, numExperts), options ??= new SparseMoELayerOptions(), Limit(options))
    {
    }

    private static CapacityLimit Limit(SparseMoELayerOptions options) => new(options.CapacityFactor, options.Overflow);
}
