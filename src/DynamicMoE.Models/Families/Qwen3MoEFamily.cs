namespace DynamicMoE.Models;

/// <summary>Qwen3-MoE: norm of queries and keys per head, no shared expert, some layers without experts.</summary>
internal sealed class Qwen3MoEFamily : ModelFamily
{
    public override string ModelType => "qwen3_moe";

    public override ModelConfig Configure(ConfigReader config)
    {
        bool[] moeLayers = QwenLayers.Read(config);
        int experts = CommonKeys.Experts(config);
        bool bias = config.Boolean("attention_bias", fallback: false);
        return new ModelConfig(this, config, moeLayers, normEpsilon: 1e-6)
        {
            Attention = CommonKeys.Attention(config, ownHeadSize: true, ropeTheta: 10000, keyValueHeadsRequired: true) with
            {
                QkvBias = bias,
                OutputBias = bias,
                Norm = QueryKeyNorm.PerHead,
            },
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = CommonKeys.PerToken(config, experts),
                Width = config.Integer("moe_intermediate_size", 1, CommonKeys.MaxWidth),
                NormalizeTopK = config.Boolean("norm_topk_prob", fallback: false),
            },
        };
    }
}
