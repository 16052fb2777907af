namespace DynamicMoE.Models;

/// <summary>OLMoE: norm of queries and keys over the whole projection, then clip_qkv; experts in every layer.</summary>
internal sealed class OlmoeFamily : ModelFamily
{
    public override string ModelType => "olmoe";

    public override ModelConfig Configure(ConfigReader config)
    {
        int experts = CommonKeys.Experts(config);
        bool bias = config.Boolean("attention_bias", fallback: false);
        return new ModelConfig(this, config, [.. Enumerable.Repeat(true, CommonKeys.Layers(config))], normEpsilon: 1e-5)
        {
            Attention = CommonKeys.Attention(config, ownHeadSize: false, ropeTheta: 10000, keyValueHeadsRequired: false) with
            {
                QkvBias = bias,
                OutputBias = bias,
                Norm = QueryKeyNorm.FullWidth,
                ClipQkv = config.Has("clip_qkv") ? (float)config.Number("clip_qkv", 0, float.MaxValue) : null,
            },
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = CommonKeys.PerToken(config, experts),
                Width = config.Integer("intermediate_size", 1, CommonKeys.MaxWidth),
                NormalizeTopK = config.Boolean("norm_topk_prob", fallback: false),
            },
        };
    }
}
