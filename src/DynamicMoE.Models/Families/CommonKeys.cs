using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Keys of config.json that several families share, with the ranges that the native core has.</summary>
internal static class CommonKeys
{
    public const int MaxWidth = 1 << 20, MaxExperts = 4096, MaxLayers = 1 << 12, MaxHeads = 1 << 12, MaxVocabulary = 1 << 24, MaxPositions = 1 << 30;

    public static int Hidden(ConfigReader config) => config.Integer("hidden_size", 1, MaxWidth);

    public static int Layers(ConfigReader config) => config.Integer("num_hidden_layers", 1, MaxLayers);

    public static int PerToken(ConfigReader config, int experts) => config.Integer("num_experts_per_tok", 1, experts);

    /// <summary>The number of experts under its own name, or under the name that newer files give it.</summary>
    public static int Experts(ConfigReader config) =>
        config.Integer(config.Has("num_experts") || !config.Has("num_local_experts") ? "num_experts" : "num_local_experts", 1, MaxExperts);

    /// <summary>Shape of grouped-query attention. Conventions are the family's, added with <c>with</c>.</summary>
    /// <param name="config">The file.</param>
    /// <param name="ownHeadSize">Whether the family reads head_dim; without it a head has hidden_size / num_attention_heads elements.</param>
    /// <param name="ropeTheta">The family's default.</param>
    /// <param name="keyValueHeadsRequired">Whether num_key_value_heads must be there. The public classes of some families default to a number
    /// that fits one checkpoint only; where it need not be there, the default is num_attention_heads.</param>
    public static AttentionConfig Attention(ConfigReader config, bool ownHeadSize, double ropeTheta, bool keyValueHeadsRequired)
    {
        int hidden = Hidden(config);
        int heads = config.Integer("num_attention_heads", 1, MaxHeads);
        int keyValueHeads = config.Integer("num_key_value_heads", 1, MaxHeads, keyValueHeadsRequired ? null : heads);
        if (heads % keyValueHeads != 0)
        {
            throw config.Refuse("num_key_value_heads", $"a divisor of num_attention_heads ({heads}) is needed.");
        }

        int? given = config.OptionalInteger("head_dim", 1, 1024);
        int size = given ?? hidden / heads;
        if (given is null && hidden % heads != 0)
        {
            throw config.Refuse("num_attention_heads", $"a divisor of hidden_size ({hidden}) is needed where head_dim is not given.");
        }

        if (!ownHeadSize && size * heads != hidden)
        {
            throw config.Refuse("head_dim", $"this family has heads of hidden_size / num_attention_heads = {hidden / heads}.");
        }

        if (size % 2 != 0)
        {
            throw given is null
                ? config.Refuse("hidden_size", $"heads of {size} elements are odd; the rotary embedding needs pairs.")
                : config.Refuse("head_dim", "an even number is needed: the rotary embedding turns pairs.");
        }

        return new AttentionConfig { QueryHeads = heads, KeyValueHeads = keyValueHeads, HeadSize = size, RopeTheta = RopeTheta(config, ropeTheta) };
    }

    /// <summary>Refuses keys that change the computation in a way that no family here has.</summary>
    public static void RefuseUnsupported(ConfigReader config)
    {
        config.RequireText("hidden_act", "silu");
        config.RequireAbsent("quantization_config", "quantised checkpoints are not supported; F32, F16 and BF16 are.");
        config.RequireFalse("use_sliding_window", "a sliding window in some layers only is not supported.");
        config.RequireFalse("mlp_bias", "biases inside experts and MLPs are not supported.");
        if (config.Number("partial_rotary_factor", 0, 1, fallback: 1) < 1)
        {
            throw config.Refuse("partial_rotary_factor", "1 is needed: the whole head turns.");
        }

        if (config.Find("layer_types") is { } types && !IsFullAttention(types))
        {
            throw config.Refuse("layer_types", "an array of 'full_attention' is needed.");
        }
    }

    private static bool IsFullAttention(JsonElement types) =>
        types.ValueKind == JsonValueKind.Array && types.EnumerateArray().All(type => type.ValueKind == JsonValueKind.String && type.ValueEquals("full_attention"));

    // Older files have rope_theta and rope_scaling side by side, newer ones rope_parameters with both inside.
    private static double RopeTheta(ConfigReader config, double fallback)
    {
        foreach (string key in (string[])["rope_scaling", "rope_parameters"])
        {
            if (config.Object(key) is { } scaling)
            {
                scaling.RequireText("rope_type", "default");
                scaling.RequireText("type", "default");
                fallback = scaling.Number("rope_theta", 0, 1e12, fallback);
                if (scaling.Number("partial_rotary_factor", 0, 1, fallback: 1) < 1)
                {
                    throw scaling.Refuse("partial_rotary_factor", "1 is needed: the whole head turns.");
                }
            }
        }

        return config.Number("rope_theta", 0, 1e12, fallback);
    }
}
