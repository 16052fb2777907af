namespace DynamicMoE.Models;

/// <summary>Shape and gating conventions of the MoE layers.</summary>
public sealed record ExpertsConfig
{
    /// <summary>Routed experts per layer.</summary>
    /// <value>Between 1 and 4096.</value>
    public required int Count { get; init; }

    /// <summary>Experts per token in training.</summary>
    /// <value>Between 1 and <see cref="Count"/>.</value>
    public required int PerToken { get; init; }

    /// <summary>Inner size of a routed expert.</summary>
    public required int Width { get; init; }

    /// <summary>Whether the weights of a token's experts are divided by their sum (norm_topk_prob).</summary>
    public required bool NormalizeTopK { get; init; }

    /// <summary>Turns logits into probabilities.</summary>
    public GateFunction Gate { get; init; } = GateFunction.Softmax;

    /// <summary>Factor on every routed weight (routed_scaling_factor).</summary>
    public float RoutedScale { get; init; } = 1;

    /// <summary>Groups that the experts form (n_group); 1 = none.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Groups from which a token's experts may come (topk_group).</summary>
    public int TopGroups { get; init; } = 1;

    /// <summary>Ranks the groups.</summary>
    public GroupScore GroupScore { get; init; }

    /// <summary>Whether a bias is added to probabilities for choosing only (e_score_correction_bias).</summary>
    public bool HasSelectionBias { get; init; }

    /// <summary>Inner size of the shared experts together; 0 = none.</summary>
    public int SharedWidth { get; init; }

    /// <summary>Whether a sigmoid gate weighs the shared expert (shared_expert_gate).</summary>
    public bool HasSharedGate { get; init; }

    /// <summary>How this checkpoint turns probabilities into weights.</summary>
    public Weighting Weighting => NormalizeTopK ? Weighting.TrainedScale : Weighting.Raw;
}
