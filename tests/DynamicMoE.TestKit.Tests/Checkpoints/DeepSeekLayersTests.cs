using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Tests.Checkpoints;

public sealed class DeepSeekLayersTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void Route_WhenTheStaticRuleRuns_StaysInTwoGroupsOfFour(bool isV3)
    {
        DeepSeekLayers layers = DeepSeekLayers.Create(isV3);

        ReferenceRoutes routes = ReferenceRouter.Route(new SeededRandom(2).Gaussian(64 * 32), layers.GateWeights, null, layers.Gate, layers.StaticRules);

        Assert.All(routes.Ids, ids =>
        {
            Assert.Equal(4, ids.Length);
            Assert.True(ids.Select(id => id / 4).Distinct().Count() <= 2);
        });
        // V3 weights sum to the routed scale; V2 weights are probabilities times it.
        Assert.All(routes.Weights, weights => Assert.Equal(isV3, Math.Abs(weights.Sum() - 2.5) < 1e-9));
    }

    [Fact]
    public void Route_WhenTheBiasIsLeftOut_ChoosesOtherwise()
    {
        DeepSeekLayers layers = DeepSeekLayers.Create(isV3: true);
        float[] hidden = new SeededRandom(2).Gaussian(64 * 32);

        ReferenceRoutes with = ReferenceRouter.Route(hidden, layers.GateWeights, null, layers.Gate, layers.StaticRules);
        ReferenceRoutes without = ReferenceRouter.Route(
            hidden, layers.GateWeights, null, layers.Gate, layers.StaticRules with { SelectionBias = null });

        Assert.NotEqual(with.Ids, without.Ids);
    }

    [Fact]
    public void Save_WhenWritten_TheConfigurationNamesLatentAttention()
    {
        using var directory = new TemporaryDirectory();

        DeepSeekLayers.Create(isV3: true).Save(directory.Path);

        Assert.Contains("\"kv_lora_rank\":16", File.ReadAllText(directory["config.json"]), StringComparison.Ordinal);
        Assert.True(File.Exists(directory["model.safetensors"]));
    }
}
