namespace DynamicMoE.Models;

/// <summary>Qwen1.5-MoE and Qwen2-MoE: biases on query, key and value, one shared expert behind a sigmoid gate, some layers without experts.</summary>
internal sealed class Qwen2MoEFamily : ModelFamily
{
    public override string ModelType => "qwen2_moe";

    public override MlpNames Shared(int layer) => MlpNames.Projections($"{Layer(layer)}mlp.shared_expert.");

    public override ModelConfig Configure(ConfigReader config)
    {
        bool[] moeLayers = QwenLayers.Read(config);
        int experts = CommonKeys.Experts(config);
        return new ModelConfig(this, config, moeLayers, normEpsilon: 1e-6)
        {
            Attention = CommonKeys.Attention(config, ownHeadSize: true, ropeTheta: 10000, keyValueHeadsRequired: true) with
            {
                QkvBias = config.Boolean("qkv_bias", fallback: true),
            },
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = CommonKeys.PerToken(config, experts),
                Width = config.Integer("moe_intermediate_size", 1, CommonKeys.MaxWidth),
                NormalizeTopK = config.Boolean("norm_topk_prob", fallback: false),
                SharedWidth = config.Integer("shared_expert_intermediate_size", 1, CommonKeys.MaxWidth),
                HasSharedGate = true,
            },
        };
    }
}
