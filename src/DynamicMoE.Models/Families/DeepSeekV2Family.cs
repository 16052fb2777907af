namespace DynamicMoE.Models;

/// <summary>DeepSeek-V2, MoE layers only: softmax gate, groups ranked by their best expert, weights times routed_scaling_factor.</summary>
internal sealed class DeepSeekV2Family : ModelFamily
{
    public override string ModelType => "deepseek_v2";

    public override ModelConfig Configure(ConfigReader config)
    {
        config.RequireText("scoring_func", "softmax");
        // Public implementations disagree on what this flag means together with routed_scaling_factor, and no published V2 checkpoint sets it.
        config.RequireFalse("norm_topk_prob", "only false is supported for deepseek_v2.");
        bool grouped = config.Text("topk_method", "greedy") switch
        {
            "greedy" => false,
            "group_limited_greedy" => true,
            _ => throw config.Refuse("topk_method", "'greedy' or 'group_limited_greedy' is needed."),
        };
        bool[] moeLayers = DeepSeekKeys.MoELayers(config, firstDense: 0);
        int experts = DeepSeekKeys.Experts(config);
        int perToken = CommonKeys.PerToken(config, experts);
        int groups = grouped ? DeepSeekKeys.Groups(config, experts, 1) : 1;
        return new ModelConfig(this, config, moeLayers, normEpsilon: 1e-6)
        {
            MissingDecoderKey = "kv_lora_rank",
            Experts = new ExpertsConfig
            {
                Count = experts,
                PerToken = perToken,
                Width = DeepSeekKeys.Width(config),
                NormalizeTopK = false,
                RoutedScale = DeepSeekKeys.RoutedScale(config, 1),
                Groups = groups,
                TopGroups = grouped ? DeepSeekKeys.TopGroups(config, groups, experts, perToken, 1) : 1,
                GroupScore = GroupScore.Max,
                SharedWidth = DeepSeekKeys.SharedWidth(config, fallback: 2),
            },
        };
    }
}
