namespace DynamicMoE.Models;

/// <summary>The families that can be loaded, by model_type.</summary>
internal static class ModelFamilies
{
    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        new MixtralFamily(), new Qwen2MoEFamily(), new Qwen3MoEFamily(), new OlmoeFamily(),
        new DeepSeekMoEFamily(), new DeepSeekV2Family(), new DeepSeekV3Family(),
    ];

    /// <summary>Reads a configuration as its own family does.</summary>
    /// <exception cref="ModelConfigurationException">The family is unknown, or a key is refused.</exception>
    public static ModelConfig Configure(ConfigReader config)
    {
        string type = config.Text("model_type");
        foreach (ModelFamily family in All)
        {
            if (family.ModelType == type)
            {
                CommonKeys.RefuseUnsupported(config);
                return family.Configure(config);
            }
        }

        throw config.Refuse("model_type", $"one of {string.Join(", ", All.Select(f => f.ModelType))} is needed.");
    }
}
