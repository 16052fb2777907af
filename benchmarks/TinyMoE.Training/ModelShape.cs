using System.Text.Json;
using System.Text.Json.Nodes;

namespace TinyMoE.Training;

/// <summary>The sizes of TinyMoE, under the names of Mixtral's config.json.</summary>
internal sealed record ModelShape
{
    public int HiddenSize { get; init; } = 192;
    public int IntermediateSize { get; init; } = 176;
    public int Layers { get; init; } = 4;
    public int Heads { get; init; } = 6;
    public int KeyValueHeads { get; init; } = 2;
    public int HeadSize { get; init; } = 32;
    public int Experts { get; init; } = 8;
    public int ExpertsPerToken { get; init; } = 2;
    public int Vocabulary { get; init; } = 256;
    public int MaxPositions { get; init; } = 512;
    public double RopeTheta { get; init; } = 10000;
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Each parameter with its dimensions, in the order of the checkpoint.</summary>
    public IEnumerable<(string Name, long[] Size)> Parameters()
    {
        yield return ("model.embed_tokens.weight", [Vocabulary, HiddenSize]);
        for (var layer = 0; layer < Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            yield return (prefix + "input_layernorm.weight", [HiddenSize]);
            yield return (prefix + "self_attn.q_proj.weight", [Heads * HeadSize, HiddenSize]);
            yield return (prefix + "self_attn.k_proj.weight", [KeyValueHeads * HeadSize, HiddenSize]);
            yield return (prefix + "self_attn.v_proj.weight", [KeyValueHeads * HeadSize, HiddenSize]);
            yield return (prefix + "self_attn.o_proj.weight", [HiddenSize, Heads * HeadSize]);
            yield return (prefix + "post_attention_layernorm.weight", [HiddenSize]);
            yield return (prefix + "block_sparse_moe.gate.weight", [Experts, HiddenSize]);
            for (var expert = 0; expert < Experts; expert++)
            {
                yield return ($"{prefix}block_sparse_moe.experts.{expert}.w1.weight", [IntermediateSize, HiddenSize]);
                yield return ($"{prefix}block_sparse_moe.experts.{expert}.w2.weight", [HiddenSize, IntermediateSize]);
                yield return ($"{prefix}block_sparse_moe.experts.{expert}.w3.weight", [IntermediateSize, HiddenSize]);
            }
        }
        yield return ("model.norm.weight", [HiddenSize]);
        yield return ("lm_head.weight", [Vocabulary, HiddenSize]);
    }

    public long ParameterCount() => Parameters().Sum(parameter => parameter.Size.Aggregate(1L, (product, size) => product * size));

    public string ToConfigJson()
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("MixtralForCausalLM"),
            ["model_type"] = "mixtral",
            ["hidden_act"] = "silu",
            ["hidden_size"] = HiddenSize,
            ["intermediate_size"] = IntermediateSize,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            ["num_local_experts"] = Experts,
            ["num_experts_per_tok"] = ExpertsPerToken,
            ["vocab_size"] = Vocabulary,
            ["max_position_embeddings"] = MaxPositions,
            ["rope_theta"] = RopeTheta,
            ["rms_norm_eps"] = NormEpsilon,
            ["sliding_window"] = null,
            ["tie_word_embeddings"] = false,
            ["torch_dtype"] = "bfloat16",
        };
        return config.ToJsonString(JsonFormat.Indented) + "\n";
    }

    public static ModelShape FromConfigJson(string json)
    {
        using var document = JsonDocument.Parse(json);
        var config = document.RootElement;
        return new ModelShape
        {
            HiddenSize = config.GetProperty("hidden_size").GetInt32(),
            IntermediateSize = config.GetProperty("intermediate_size").GetInt32(),
            Layers = config.GetProperty("num_hidden_layers").GetInt32(),
            Heads = config.GetProperty("num_attention_heads").GetInt32(),
            KeyValueHeads = config.GetProperty("num_key_value_heads").GetInt32(),
            HeadSize = config.GetProperty("head_dim").GetInt32(),
            Experts = config.GetProperty("num_local_experts").GetInt32(),
            ExpertsPerToken = config.GetProperty("num_experts_per_tok").GetInt32(),
            Vocabulary = config.GetProperty("vocab_size").GetInt32(),
            MaxPositions = config.GetProperty("max_position_embeddings").GetInt32(),
            RopeTheta = config.GetProperty("rope_theta").GetDouble(),
            NormEpsilon = config.GetProperty("rms_norm_eps").GetDouble(),
        };
    }
}
