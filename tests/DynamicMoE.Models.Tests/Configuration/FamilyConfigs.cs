using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Configuration;

/// <summary>config.json of each family's small test model.</summary>
internal static class FamilyConfigs
{
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    /// <summary>A fresh, valid configuration.</summary>
    public static JsonObject Create(string family) => JsonNode.Parse(Texts.GetOrAdd(family, f => Make(f).ToJsonString()))!.AsObject();

    /// <summary>Reads it.</summary>
    public static ModelConfig Read(JsonObject config)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(config.ToJsonString()));
        return ModelConfig.Read(stream, "config.json");
    }

    /// <summary>The family in TestKit's terms.</summary>
    public static ReferenceFamily ToReference(string family) => family switch
    {
        "mixtral" => ReferenceFamily.Mixtral,
        "qwen2_moe" => ReferenceFamily.Qwen2Moe,
        "qwen3_moe" => ReferenceFamily.Qwen3Moe,
        "olmoe" => ReferenceFamily.Olmoe,
        "deepseek" => ReferenceFamily.DeepSeekMoe,
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "Not a whole model."),
    };

    private static JsonObject Make(string family) => family switch
    {
        "deepseek_v2" => DeepSeekLayers.Create(isV3: false).Config,
        "deepseek_v3" => DeepSeekLayers.Create(isV3: true).Config,
        _ => FamilyConfig.Create(FamilySettings.Create(ToReference(family)), ElementType.F32),
    };
}
