namespace DynamicMoE.TestKit.Decoder;

/// <summary>Families of checkpoints that the reference decoder knows.</summary>
public enum ReferenceFamily
{
    /// <summary>Mixtral (MistralAI).</summary>
    Mixtral,

    /// <summary>Qwen1.5/2-MoE: q/k/v biases, a gated shared expert, dense layers by step or list.</summary>
    Qwen2Moe,

    /// <summary>Qwen3-MoE: q/k norm per head, dense layers by step or list.</summary>
    Qwen3Moe,

    /// <summary>OLMoE: q/k norm over the whole projection, clip_qkv.</summary>
    Olmoe,

    /// <summary>DeepSeek-MoE v1: shared experts without a gate, dense first layers.</summary>
    DeepSeekMoe,
}

/// <summary>What a config.json says, as plain numbers.</summary>
public sealed record DecoderSettings
{
    /// <summary>Family.</summary>
    public required ReferenceFamily Family { get; init; }

    /// <summary>Rows of the embedding.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Hidden size.</summary>
    public required int Hidden { get; init; }

    /// <summary>Layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Routed experts per MoE layer.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts per token in training.</summary>
    public required int TrainedExperts { get; init; }

    /// <summary>Width of a routed expert.</summary>
    public required int ExpertWidth { get; init; }

    /// <summary>Width of the MLP in dense layers; 0 = the family has none.</summary>
    public int DenseWidth { get; init; }

    /// <summary>Width of the shared expert (of all shared experts together); 0 = none.</summary>
    public int SharedWidth { get; init; }

    /// <summary>Shared experts that <see cref="SharedWidth"/> stands for (DeepSeek).</summary>
    public int SharedExperts { get; init; } = 1;

    /// <summary>norm_topk_prob: weights sum to 1 over the trained selection.</summary>
    public required bool NormalizeTopK { get; init; }

    /// <summary>Epsilon of every RMS norm.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public required double RopeTheta { get; init; }

    /// <summary>Keys visible to a query; 0 = all.</summary>
    public int Window { get; init; }

    /// <summary>Clamp of q, k and v (OLMoE); null = none.</summary>
    public double? ClipQkv { get; init; }

    /// <summary>lm_head is the embedding.</summary>
    public bool TieEmbeddings { get; init; }

    /// <summary>A layer i is an MoE layer when (i + 1) % step is 0 (Qwen).</summary>
    public int SparseStep { get; init; } = 1;

    /// <summary>Dense layers by index (Qwen).</summary>
    public int[] MlpOnlyLayers { get; init; } = [];

    /// <summary>Leading dense layers (DeepSeek).</summary>
    public int FirstDenseLayers { get; init; }

    /// <summary>A layer i is an MoE layer when i % frequency is 0 (DeepSeek).</summary>
    public int MoELayerFrequency { get; init; } = 1;

    /// <summary>q, k and v have biases.</summary>
    public bool QkvBias => Family == ReferenceFamily.Qwen2Moe;

    /// <summary>Whether the layer has experts.</summary>
    public bool IsMoELayer(int layer) => Family switch
    {
        ReferenceFamily.Qwen2Moe or ReferenceFamily.Qwen3Moe =>
            !MlpOnlyLayers.Contains(layer) && (layer + 1) % SparseStep == 0,
        ReferenceFamily.DeepSeekMoe => layer >= FirstDenseLayers && layer % MoELayerFrequency == 0,
        _ => true,
    };
}
