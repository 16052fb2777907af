namespace DynamicMoE;

/// <summary>Options of <see cref="LayerNormMoE"/>.</summary>
public sealed class LayerNormMoEOptions : MoELayerOptions
{
    /// <summary>Added to the variance.</summary>
    /// <value>Finite and above 0. The default is 1e-5.</value>
    public float LayerNormEps { get; set; } = 1e-5f;

    /// <summary>Scale of the normalised values, <c>[hidden]</c>.</summary>
    /// <value>Finite. The default is null: ones.</value>
    public float[]? LayerNormWeight { get; set; }

    /// <summary>Shift of the normalised values, <c>[hidden]</c>.</summary>
    /// <value>Finite. The default is null: zeros.</value>
    public float[]? LayerNormBias { get; set; }

    private protected override OptionRules Rules(IRouter router)
    {
        OptionRules rules = base.Rules(router).Positive(nameof(LayerNormEps), LayerNormEps);
        rules = RequireVector(rules, nameof(LayerNormWeight), LayerNormWeight, router.InputDim);
        return RequireVector(rules, nameof(LayerNormBias), LayerNormBias, router.InputDim);
    }

    private static OptionRules RequireVector(OptionRules rules, string name, float[]? vector, int length) => vector is null ? rules : rules
        .Require(vector.Length == length, $"{name} has {vector.Length} elements, the router has hidden size {length}.")
        .Require(Array.TrueForAll(vector, float.IsFinite), $"{name} must be finite.");
}
