using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>Small settings of each family that exercise what sets it apart; vary them with <c>with</c>.</summary>
public static class FamilySettings
{
    /// <summary>All families.</summary>
    public static IReadOnlyList<ReferenceFamily> All { get; } = Enum.GetValues<ReferenceFamily>();

    /// <summary>Three layers of hidden size 32, vocabulary 64, eight experts; odd widths so that padding is met.</summary>
    public static DecoderSettings Create(ReferenceFamily family)
    {
        var common = new DecoderSettings
        {
            Family = family,
            Vocabulary = 64,
            Hidden = 32,
            Layers = 3,
            Heads = 4,
            KvHeads = 2,
            HeadDim = 8,
            Experts = 8,
            TrainedExperts = 2,
            ExpertWidth = 20,
            NormalizeTopK = true,
            NormEpsilon = 1e-5,
            RopeTheta = 10000,
        };
        return family switch
        {
            ReferenceFamily.Mixtral => common with { RopeTheta = 1e6 },
            ReferenceFamily.Qwen2Moe => common with
            {
                KvHeads = 4,
                TrainedExperts = 4,
                DenseWidth = 44,
                SharedWidth = 28,
                NormalizeTopK = false,
                NormEpsilon = 1e-6,
                RopeTheta = 1e6,
                MlpOnlyLayers = [1],
            },
            // head_dim is its own number here: heads * head_dim differs from the hidden size.
            ReferenceFamily.Qwen3Moe => common with
            {
                HeadDim = 12,
                TrainedExperts = 4,
                DenseWidth = 44,
                NormEpsilon = 1e-6,
                RopeTheta = 1e6,
                SparseStep = 2,
            },
            ReferenceFamily.Olmoe => common with { TrainedExperts = 4, NormalizeTopK = false, ClipQkv = 1.5 },
            _ => common with
            {
                KvHeads = 4,
                TrainedExperts = 3,
                DenseWidth = 44,
                SharedWidth = 40,
                SharedExperts = 2,
                NormalizeTopK = false,
                NormEpsilon = 1e-6,
                FirstDenseLayers = 1,
            },
        };
    }
}
