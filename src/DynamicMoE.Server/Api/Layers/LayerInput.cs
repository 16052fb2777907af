using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>A route or forward as its body has it.</summary>
internal sealed class LayerInput
{
    public int Layer { get; set; }

    public required PooledFloats Hidden { get; init; }

    public int Tokens { get; set; }

    public int Dim { get; set; }

    /// <summary>First dimension of [batch, seq, dim]; 0: the body has [tokens, dim].</summary>
    public int Batch { get; set; }

    public float? Quality { get; set; }

    public double? ExpertsBudget { get; set; }

    public bool IncludeRouting { get; set; }

    public bool IncludeLogits { get; set; }

    /// <param name="model">What it was checked against.</param>
    public LayerRequest ToRequest(ServedModelInfo model) => new()
    {
        Model = model,
        Layer = Layer,
        Hidden = Hidden.Memory,
        Tokens = Tokens,
        Quality = Quality,
        ExpertsBudget = ExpertsBudget,
        IncludeRouting = IncludeRouting,
        IncludeLogits = IncludeLogits,
    };
}
