namespace DynamicMoE.Peers;

/// <summary>Size of a layer of SwiGLU experts.</summary>
/// <param name="Name">One letter, as on the command line.</param>
/// <param name="Hidden">D.</param>
/// <param name="Width">F.</param>
/// <param name="Experts">E.</param>
/// <param name="ExpertsPerToken">k.</param>
internal sealed record LayerShape(string Name, int Hidden, int Width, int Experts, int ExpertsPerToken)
{
    /// <summary>O is the layer of OLMoE.</summary>
    public static IReadOnlyList<LayerShape> All { get; } =
    [
        new("S", 256, 512, 8, 2),
        new("M", 768, 3072, 8, 2),
        new("O", 2048, 1024, 64, 8),
    ];

    /// <summary>Weights of one expert: gate, up and down.</summary>
    public long WeightsPerExpert => 3L * Hidden * Width;

    /// <summary>Operations of the experts on one token: two per weight.</summary>
    public long FlopsPerToken => 2 * ExpertsPerToken * WeightsPerExpert;

    public static LayerShape Named(string name) => All.Single(shape => shape.Name == name);
}
