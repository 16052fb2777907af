namespace DynamicMoE;

/// <summary>Options of <see cref="SparseMoELayer"/>.</summary>
public sealed class SparseMoELayerOptions : MoELayerOptions
{
    /// <summary>Most routes of an expert in a batch: ceil(factor * routes of the batch / experts).</summary>
    /// <value>Finite and above 0. The default is 1.25.</value>
    public float CapacityFactor { get; set; } = 1.25f;

    /// <summary>What happens to a route over the capacity.</summary>
    /// <value>The default is <see cref="OverflowPolicy.Drop"/>.</value>
    public OverflowPolicy Overflow { get; set; }

    private protected override OptionRules Rules(IRouter router) => base.Rules(router)
        .Positive(nameof(CapacityFactor), CapacityFactor)
        .Defined(nameof(Overflow), Overflow);
}
