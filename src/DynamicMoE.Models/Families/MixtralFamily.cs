namespace DynamicMoE.Models;

/// <summary>Mixtral: weights always sum to 1; experts are w1 (gate), w3 (up), w2 (down) under block_sparse_moe.</summary>
internal sealed class MixtralFamily : ModelFamily
{
    public override string ModelType => "mixtral";

    public override string Gate(int layer) => $"{Layer(layer)}block_sparse_moe.gate.weight";

    public override MlpNames Expert(int layer, int expert)
    {
        string prefix = $"{Layer(layer)}block_sparse_moe.experts.{expert}.";
        return new MlpNames($"{prefix}w1.weight", $"{prefix}w3.weight", $"{prefix}w2.weight");
    }

    public override ModelConfig Configure(ConfigReader config)
    {
        int experts = config.Integer("num_local_experts", 1, CommonKeys.MaxExperts);
        return new ModelConfig(this, config, [.. Enumerable.Repeat(true, CommonKeys.Layers(config))], normEpsilon: 1e-5)
        {
            Attention = CommonKeys.Attention(config, ownHeadSize: true, ropeTheta: 1e6, keyValueHeadsRequired: true) with
            {
                SlidingWindow = config.OptionalInteger("sliding_window", 1, CommonKeys.MaxPositions),
            },
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = CommonKeys.PerToken(config, experts),
                Width = config.Integer("intermediate_size", 1, CommonKeys.MaxWidth),
                NormalizeTopK = true,
            },
        };
    }
}
