namespace DynamicMoE.Models;

/// <summary>What sets a family of checkpoints apart: how its config.json reads and how its tensors are named.</summary>
internal abstract class ModelFamily
{
    public const string Embedding = "model.embed_tokens.weight", FinalNorm = "model.norm.weight", Head = "lm_head.weight";

    /// <summary>model_type in config.json.</summary>
    public abstract string ModelType { get; }

    /// <summary>Reads the family's keys.</summary>
    public abstract ModelConfig Configure(ConfigReader config);

    public static string Layer(int layer) => $"model.layers.{layer}.";

    public static string InputNorm(int layer) => $"{Layer(layer)}input_layernorm.weight";

    public static string MlpNorm(int layer) => $"{Layer(layer)}post_attention_layernorm.weight";

    public static string Attention(int layer, string part) => $"{Layer(layer)}self_attn.{part}";

    /// <summary>The MLP of a layer without experts.</summary>
    public static MlpNames Dense(int layer) => MlpNames.Projections($"{Layer(layer)}mlp.");

    /// <summary>Gate weights, <c>[experts, hidden]</c>.</summary>
    public virtual string Gate(int layer) => $"{Layer(layer)}mlp.gate.weight";

    /// <summary>Bias added for choosing only, <c>[experts]</c>.</summary>
    public static string SelectionBias(int layer) => $"{Layer(layer)}mlp.gate.e_score_correction_bias";

    /// <summary>A routed expert.</summary>
    public virtual MlpNames Expert(int layer, int expert) => MlpNames.Projections($"{Layer(layer)}mlp.experts.{expert}.");

    /// <summary>The shared experts, stored as one MLP.</summary>
    public virtual MlpNames Shared(int layer) => MlpNames.Projections($"{Layer(layer)}mlp.shared_experts.");

    /// <summary>Weights of the shared expert's sigmoid gate, <c>[1, hidden]</c>.</summary>
    public static string SharedGate(int layer) => $"{Layer(layer)}mlp.shared_expert_gate.weight";
}
