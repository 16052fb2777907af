namespace DynamicMoE.Hosting;

/// <summary>What is served.</summary>
public sealed record ServedModelInfo
{
    /// <summary>Name under which it is asked for.</summary>
    public required string Name { get; init; }

    /// <summary>When it was loaded.</summary>
    public required DateTimeOffset Loaded { get; init; }

    /// <summary>Family, as config.json has it; null for a router without a model.</summary>
    public string? Family { get; init; }

    /// <summary>Format of the weights; null for a router without a model.</summary>
    public WeightFormat? Format { get; init; }

    /// <summary>Hash of the weights; null for a router without a model.</summary>
    public ModelHash? Hash { get; init; }

    /// <summary>Layers with experts, in order.</summary>
    public required IReadOnlyList<ServedLayerInfo> Layers { get; init; }

    /// <summary>Whether <see cref="IInferenceService.GenerateAsync"/> works.</summary>
    public required bool Generates { get; init; }

    /// <summary>Longest sequence, prompt and answer together; 0 where nothing is generated.</summary>
    public int MaxPositions { get; init; }

    /// <summary>Chat template of the checkpoint (Jinja), or null.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Text of the begin token, for the chat template; null: none.</summary>
    public string? BosToken { get; init; }

    /// <summary>Text of the end token, for the chat template; null: none.</summary>
    public string? EosToken { get; init; }
}

/// <summary>A layer with experts.</summary>
/// <param name="Index">What <see cref="LayerRequest.Layer"/> is.</param>
/// <param name="HiddenSize">Values per token.</param>
/// <param name="Experts">Experts to choose from.</param>
/// <param name="MinExperts">Fewest experts per token.</param>
/// <param name="MaxExperts">Most experts per token.</param>
/// <param name="TrainedExperts">Experts per token that the checkpoint was trained with.</param>
/// <param name="Forwards">Whether <see cref="IInferenceService.ForwardAsync"/> works; else it only routes.</param>
public sealed record ServedLayerInfo(int Index, int HiddenSize, int Experts, int MinExperts, int MaxExperts, int TrainedExperts, bool Forwards);
