using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>config.json of each family, with the keys that its published checkpoints have.</summary>
public static class FamilyConfig
{
    /// <summary>The configuration that says what the settings say.</summary>
    public static JsonObject Create(DecoderSettings s, ElementType type)
    {
        (string architecture, string modelType) = s.Family switch
        {
            ReferenceFamily.Mixtral => ("MixtralForCausalLM", "mixtral"),
            ReferenceFamily.Qwen2Moe => ("Qwen2MoeForCausalLM", "qwen2_moe"),
            ReferenceFamily.Qwen3Moe => ("Qwen3MoeForCausalLM", "qwen3_moe"),
            ReferenceFamily.Olmoe => ("OlmoeForCausalLM", "olmoe"),
            _ => ("DeepseekForCausalLM", "deepseek"),
        };
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture),
            ["model_type"] = modelType,
            ["attention_dropout"] = 0.0,
            ["bos_token_id"] = 1,
            ["eos_token_id"] = 2,
            ["hidden_act"] = "silu",
            ["hidden_size"] = s.Hidden,
            ["initializer_range"] = 0.02,
            ["max_position_embeddings"] = 512,
            ["num_attention_heads"] = s.Heads,
            ["num_experts_per_tok"] = s.TrainedExperts,
            ["num_hidden_layers"] = s.Layers,
            ["num_key_value_heads"] = s.KvHeads,
            ["rms_norm_eps"] = s.NormEpsilon,
            ["rope_theta"] = s.RopeTheta,
            ["tie_word_embeddings"] = s.TieEmbeddings,
            ["torch_dtype"] = type.TorchName(),
            ["use_cache"] = true,
            ["vocab_size"] = s.Vocabulary,
        };
        AddFamily(config, s);
        return config;
    }

    private static void AddFamily(JsonObject config, DecoderSettings s)
    {
        switch (s.Family)
        {
            case ReferenceFamily.Mixtral:
                config["intermediate_size"] = s.ExpertWidth;
                config["num_local_experts"] = s.Experts;
                config["output_router_logits"] = false;
                config["router_aux_loss_coef"] = 0.02;
                config["sliding_window"] = s.Window == 0 ? null : s.Window;
                break;
            case ReferenceFamily.Qwen2Moe:
                AddQwen(config, s);
                config["shared_expert_intermediate_size"] = s.SharedWidth;
                config["use_sliding_window"] = false;
                config["sliding_window"] = 256;
                config["max_window_layers"] = s.Layers;
                break;
            case ReferenceFamily.Qwen3Moe:
                AddQwen(config, s);
                config["attention_bias"] = false;
                config["head_dim"] = s.HeadDim;
                config["rope_scaling"] = null;
                config["sliding_window"] = null;
                config["use_sliding_window"] = false;
                break;
            case ReferenceFamily.Olmoe:
                config["attention_bias"] = false;
                config["clip_qkv"] = s.ClipQkv;
                config["intermediate_size"] = s.ExpertWidth;
                config["norm_topk_prob"] = s.NormalizeTopK;
                config["num_experts"] = s.Experts;
                config["rope_scaling"] = null;
                break;
            default:
                config["attention_bias"] = false;
                config["first_k_dense_replace"] = s.FirstDenseLayers;
                config["intermediate_size"] = s.DenseWidth;
                config["moe_intermediate_size"] = s.ExpertWidth;
                config["moe_layer_freq"] = s.MoELayerFrequency;
                config["n_routed_experts"] = s.Experts;
                config["n_shared_experts"] = s.SharedWidth == 0 ? null : s.SharedExperts;
                config["norm_topk_prob"] = s.NormalizeTopK;
                config["rope_scaling"] = null;
                config["scoring_func"] = "softmax";
                break;
        }
    }

    private static void AddQwen(JsonObject config, DecoderSettings s)
    {
        config["decoder_sparse_step"] = s.SparseStep;
        config["intermediate_size"] = s.DenseWidth;
        config["mlp_only_layers"] = new JsonArray([.. s.MlpOnlyLayers.Select(layer => (JsonNode)layer)]);
        config["moe_intermediate_size"] = s.ExpertWidth;
        config["norm_topk_prob"] = s.NormalizeTopK;
        config["num_experts"] = s.Experts;
        config["output_router_logits"] = false;
        config["router_aux_loss_coef"] = 0.001;
    }
}
