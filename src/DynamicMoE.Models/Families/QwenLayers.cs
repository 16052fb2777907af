namespace DynamicMoE.Models;

/// <summary>Which layers of the Qwen families have experts: every decoder_sparse_step-th, except mlp_only_layers.</summary>
internal static class QwenLayers
{
    public static bool[] Read(ConfigReader config)
    {
        int layers = CommonKeys.Layers(config);
        int step = config.Integer("decoder_sparse_step", 1, CommonKeys.MaxLayers, 1);
        int[] dense = config.Integers("mlp_only_layers", 0, layers - 1);
        return [.. Enumerable.Range(0, layers).Select(layer => !dense.Contains(layer) && (layer + 1) % step == 0)];
    }
}
