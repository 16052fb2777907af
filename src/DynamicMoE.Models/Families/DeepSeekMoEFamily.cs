namespace DynamicMoE.Models;

/// <summary>DeepSeek-MoE v1: softmax gate, shared experts that every token uses, leading layers without experts.</summary>
internal sealed class DeepSeekMoEFamily : ModelFamily
{
    public override string ModelType => "deepseek";

    public override ModelConfig Configure(ConfigReader config)
    {
        config.RequireText("scoring_func", "softmax");
        // Copies of this family's configuration class disagree about defaults; its published files have these keys.
        bool normalize = config.RequiredBoolean("norm_topk_prob");
        bool[] moeLayers = DeepSeekKeys.MoELayers(config, firstDense: null);
        int experts = DeepSeekKeys.Experts(config);
        bool bias = config.Boolean("attention_bias", fallback: false);
        bool latent = config.Has("kv_lora_rank");
        return new ModelConfig(this, config, moeLayers, normEpsilon: 1e-6)
        {
            MissingDecoderKey = latent ? "kv_lora_rank" : null,
            Attention = latent
                ? null
                : CommonKeys.Attention(config, ownHeadSize: false, ropeTheta: 10000, keyValueHeadsRequired: false) with { QkvBias = bias, OutputBias = bias },
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = CommonKeys.PerToken(config, experts),
                Width = DeepSeekKeys.Width(config),
                NormalizeTopK = normalize,
                SharedWidth = DeepSeekKeys.SharedWidth(config, fallback: null),
            },
        };
    }
}
