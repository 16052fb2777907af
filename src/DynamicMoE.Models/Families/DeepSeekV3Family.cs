namespace DynamicMoE.Models;

/// <summary>DeepSeek-V3, MoE layers only: sigmoid gate, a bias for choosing only, groups ranked by their two best experts.</summary>
internal sealed class DeepSeekV3Family : ModelFamily
{
    public override string ModelType => "deepseek_v3";

    public override ModelConfig Configure(ConfigReader config)
    {
        config.RequireText("scoring_func", "sigmoid");
        config.RequireText("topk_method", "noaux_tc");
        bool[] moeLayers = DeepSeekKeys.MoELayers(config, firstDense: 3);
        int experts = DeepSeekKeys.Experts(config);
        int perToken = CommonKeys.PerToken(config, experts);
        int groups = DeepSeekKeys.Groups(config, experts, 8);
        if (groups > 1 && experts / groups < 2)
        {
            throw config.Refuse("n_group", $"groups of {experts / groups} expert have no two best experts.");
        }

        return new ModelConfig(this, config, moeLayers, normEpsilon: 1e-6)
        {
            MissingDecoderKey = "kv_lora_rank",
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = perToken,
                Width = DeepSeekKeys.Width(config),
                NormalizeTopK = config.Boolean("norm_topk_prob", fallback: true),
                Gate = GateFunction.Sigmoid,
                RoutedScale = DeepSeekKeys.RoutedScale(config, 2.5),
                Groups = groups,
                TopGroups = DeepSeekKeys.TopGroups(config, groups, experts, perToken, 4),
                GroupScore = GroupScore.Top2Sum,
                HasSelectionBias = true,
                SharedWidth = DeepSeekKeys.SharedWidth(config, fallback: 1),
            },
        };
    }
}
