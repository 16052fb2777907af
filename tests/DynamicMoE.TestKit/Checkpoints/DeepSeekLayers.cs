using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>The MoE layers of a DeepSeek-V2 or -V3 checkpoint: configuration with latent attention, tensors without it.
/// Two layers, the first dense; hidden size 32, 16 experts in 4 groups of which 2 are kept.</summary>
public sealed class DeepSeekLayers
{
    private const int Hidden = 32, Count = 16, Width = 20, SharedWidth = 40, PerToken = 4, DenseWidth = 44;

    private DeepSeekLayers(bool isV3, Dictionary<string, ReferenceTensor> tensors)
    {
        IsV3 = isV3;
        Tensors = tensors;
        Config = CreateConfig(isV3);
    }

    /// <summary>V3: sigmoid gate, choosing bias, groups by the sum of two, renormalised. V2: softmax, groups by the best, raw.</summary>
    public bool IsV3 { get; }

    /// <summary>config.json.</summary>
    public JsonObject Config { get; }

    /// <summary>Tensors of layer 1's MoE block and layer 0's MLP, by name.</summary>
    public Dictionary<string, ReferenceTensor> Tensors { get; }

    /// <summary>What the configuration says about gating.</summary>
    public GateRules Gate => new()
    {
        Experts = Count,
        TrainedExperts = PerToken,
        Gate = IsV3 ? ReferenceGate.Sigmoid : ReferenceGate.Softmax,
        Groups = 4,
        TopGroups = 2,
        GroupScore = IsV3 ? ReferenceGroupScore.Top2Sum : ReferenceGroupScore.Max,
        RoutedScale = IsV3 ? 2.5 : 16,
    };

    /// <summary>The static rule of training.</summary>
    public RouteRules StaticRules => new()
    {
        MinExperts = PerToken,
        MaxExperts = PerToken,
        Weighting = IsV3 ? ReferenceWeighting.TrainedScale : ReferenceWeighting.Raw,
        SelectionBias = IsV3 ? Floats("model.layers.1.mlp.gate.e_score_correction_bias") : null,
    };

    /// <summary>Layer 1's experts.</summary>
    public ReferenceLayer Layer => new()
    {
        Experts = [.. Enumerable.Range(0, Count).Select(e => Expert($"model.layers.1.mlp.experts.{e}.", Width))],
        Shared = [Expert("model.layers.1.mlp.shared_experts.", SharedWidth)],
    };

    /// <summary>Layer 1's router weights, [experts, hidden].</summary>
    public float[] GateWeights => Floats("model.layers.1.mlp.gate.weight");

    /// <summary>Makes the layers; values are float32.</summary>
    public static DeepSeekLayers Create(bool isV3, ulong seed = 1)
    {
        var random = new SeededRandom(seed);
        var tensors = new Dictionary<string, ReferenceTensor>();
        void Add(string name, params int[] shape) => tensors[name] = new ReferenceTensor(
            Array.ConvertAll(random.Gaussian(shape.Aggregate(1, (a, b) => a * b), 1 / Math.Sqrt(shape[^1])), v => (double)v), shape);
        void AddMlp(string prefix, int width)
        {
            Add(prefix + "gate_proj.weight", width, Hidden);
            Add(prefix + "up_proj.weight", width, Hidden);
            Add(prefix + "down_proj.weight", Hidden, width);
        }

        AddMlp("model.layers.0.mlp.", DenseWidth);
        Add("model.layers.1.mlp.gate.weight", Count, Hidden);
        if (isV3)
        {
            Add("model.layers.1.mlp.gate.e_score_correction_bias", Count);
        }

        for (int e = 0; e < Count; e++)
        {
            AddMlp($"model.layers.1.mlp.experts.{e}.", Width);
        }

        AddMlp("model.layers.1.mlp.shared_experts.", SharedWidth);
        return new DeepSeekLayers(isV3, tensors);
    }

    /// <summary>Writes config.json and model.safetensors.</summary>
    public void Save(string directory) => CheckpointFiles.Save(directory, Config, Tensors, ElementType.F32, shards: 1);

    private static JsonObject CreateConfig(bool isV3) => new()
    {
        ["architectures"] = new JsonArray(isV3 ? "DeepseekV3ForCausalLM" : "DeepseekV2ForCausalLM"),
        ["model_type"] = isV3 ? "deepseek_v3" : "deepseek_v2",
        ["attention_bias"] = false,
        ["first_k_dense_replace"] = 1,
        ["hidden_act"] = "silu",
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = DenseWidth,
        ["kv_lora_rank"] = 16,
        ["max_position_embeddings"] = 512,
        ["moe_intermediate_size"] = Width,
        ["moe_layer_freq"] = 1,
        ["n_group"] = 4,
        ["n_routed_experts"] = Count,
        ["n_shared_experts"] = SharedWidth / Width,
        ["norm_topk_prob"] = isV3,
        ["num_attention_heads"] = 4,
        ["num_experts_per_tok"] = PerToken,
        ["num_hidden_layers"] = 2,
        ["num_key_value_heads"] = 4,
        ["q_lora_rank"] = 24,
        ["qk_nope_head_dim"] = 8,
        ["qk_rope_head_dim"] = 4,
        ["rms_norm_eps"] = 1e-6,
        ["rope_theta"] = 10000.0,
        ["routed_scaling_factor"] = isV3 ? 2.5 : 16.0,
        ["scoring_func"] = isV3 ? "sigmoid" : "softmax",
        ["tie_word_embeddings"] = false,
        ["topk_group"] = 2,
        ["topk_method"] = isV3 ? "noaux_tc" : "group_limited_greedy",
        ["torch_dtype"] = "float32",
        ["v_head_dim"] = 8,
        ["vocab_size"] = 64,
    };

    private ReferenceExpert Expert(string prefix, int width) => new()
    {
        Kind = ReferenceExpertKind.SwiGlu,
        Hidden = Hidden,
        Width = width,
        Gate = Floats(prefix + "gate_proj.weight"),
        Up = Floats(prefix + "up_proj.weight"),
        Down = Floats(prefix + "down_proj.weight"),
    };

    private float[] Floats(string name) => Array.ConvertAll(Tensors[name].Data, v => (float)v);
}
