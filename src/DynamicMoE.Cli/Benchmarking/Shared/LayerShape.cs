namespace DynamicMoE.Cli.Benchmarking;

/// <summary>Size of a layer of SwiGLU experts.</summary>
/// <param name="Name">One letter for a named shape, else the numbers.</param>
/// <param name="Hidden">D.</param>
/// <param name="Width">F.</param>
/// <param name="Experts">E.</param>
/// <param name="ExpertsPerToken">k.</param>
internal sealed record LayerShape(string Name, int Hidden, int Width, int Experts, int ExpertsPerToken)
{
    /// <summary>O is the layer of OLMoE, Q of Qwen3-30B-A3B, X of Mixtral 8x7B.</summary>
    public static IReadOnlyList<LayerShape> All { get; } =
    [
        new("S", 256, 512, 8, 2),
        new("M", 768, 3072, 8, 2),
        new("O", 2048, 1024, 64, 8),
        new("Q", 2048, 768, 128, 8),
        new("X", 4096, 14336, 8, 2),
    ];

    /// <summary>Weights of one expert: gate, up and down.</summary>
    public long WeightsPerExpert => 3L * Hidden * Width;

    /// <summary>Operations of the experts on one token: two per weight.</summary>
    public long FlopsPerToken => 2 * ExpertsPerToken * WeightsPerExpert;

    /// <summary>hidden/width/experts/experts per token.</summary>
    public string Numbers => FormattableString.Invariant($"{Hidden}/{Width}/{Experts}/{ExpertsPerToken}");

    /// <summary>Why batches of up to so many tokens cannot be measured; null when they can.</summary>
    public string? Problem(int tokens)
    {
        long pool = TokenPool.Size(tokens);
        return ExpertsPerToken > Experts ? $"--k {ExpertsPerToken} exceeds the {Experts} experts of the shape"
            : (long)Hidden * Width > Array.MaxLength ? $"--hidden {Hidden} times --width {Width} exceeds {Array.MaxLength}, the most weights of a matrix"
            : (long)Hidden * Experts > Array.MaxLength ? $"--hidden {Hidden} times --experts {Experts} exceeds {Array.MaxLength}, the most weights of a router"
            : Hidden * pool > Array.MaxLength ? $"--hidden {Hidden} times {pool} tokens exceeds {Array.MaxLength}, the most numbers of an array"
            : null;
    }

    public static LayerShape Named(string name) => All.Single(shape => shape.Name == name);

    /// <summary>The shape with some numbers replaced; null = as it is.</summary>
    public LayerShape With(int? hidden, int? width, int? experts, int? expertsPerToken)
    {
        LayerShape changed = this with
        {
            Hidden = hidden ?? Hidden,
            Width = width ?? Width,
            Experts = experts ?? Experts,
            ExpertsPerToken = expertsPerToken ?? ExpertsPerToken,
        };
        return changed == this ? this : changed with { Name = changed.Numbers };
    }
}
