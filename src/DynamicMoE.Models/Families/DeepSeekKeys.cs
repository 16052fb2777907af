namespace DynamicMoE.Models;

/// <summary>Keys that the DeepSeek families share.</summary>
internal static class DeepSeekKeys
{
    public static int Experts(ConfigReader config) => config.Integer("n_routed_experts", 1, CommonKeys.MaxExperts);

    /// <summary>A layer has experts from first_k_dense_replace on, every moe_layer_freq-th.</summary>
    /// <param name="config">The file.</param>
    /// <param name="firstDense">The family's default; null where both keys are required.</param>
    public static bool[] MoELayers(ConfigReader config, int? firstDense)
    {
        int layers = CommonKeys.Layers(config);
        int first = config.Integer("first_k_dense_replace", 0, layers, firstDense);
        int frequency = config.Integer("moe_layer_freq", 1, CommonKeys.MaxLayers, firstDense is null ? null : 1);
        return [.. Enumerable.Range(0, layers).Select(layer => layer >= first && layer % frequency == 0)];
    }

    public static int Width(ConfigReader config) => config.Integer("moe_intermediate_size", 1, CommonKeys.MaxWidth);

    /// <summary>The shared experts are stored as one MLP of their summed width.</summary>
    public static int SharedWidth(ConfigReader config, int? fallback)
    {
        int count = config.Has("n_shared_experts") || fallback is null
            ? config.OptionalInteger("n_shared_experts", 0, CommonKeys.MaxExperts) ?? 0
            : fallback.Value;
        long width = (long)count * Width(config);
        return width <= CommonKeys.MaxWidth
            ? (int)width
            : throw config.Refuse("n_shared_experts", $"times moe_intermediate_size it is {width}, at most {CommonKeys.MaxWidth} is allowed.");
    }

    public static int Groups(ConfigReader config, int experts, int fallback)
    {
        int groups = config.Integer("n_group", 1, experts, fallback);
        return experts % groups == 0
            ? groups
            : throw config.Refuse("n_group", $"a divisor of n_routed_experts ({experts}) is needed.");
    }

    public static int TopGroups(ConfigReader config, int groups, int experts, int perToken, int fallback)
    {
        int top = config.Integer("topk_group", 1, groups, Math.Min(fallback, groups));
        int reachable = top * (experts / groups);
        return perToken <= reachable
            ? top
            : throw config.Refuse("topk_group", $"{top} groups hold {reachable} experts, num_experts_per_tok ({perToken}) are needed.");
    }

    public static float RoutedScale(ConfigReader config, double fallback) =>
        (float)config.Number("routed_scaling_factor", 0, 1e6, fallback);
}
