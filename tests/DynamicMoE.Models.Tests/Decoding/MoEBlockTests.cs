using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.Models.Tests.Decoding;

public sealed class MoEBlockTests
{
    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public void Forward_WhenLayerIsDeepSeeks_MatchesDoublePrecision(bool isV3, ulong seed)
    {
        const int tokens = 40;
        DeepSeekLayers source = DeepSeekLayers.Create(isV3, seed);
        float[] hidden = Clear(source, new SeededRandom(99 + seed).Gaussian(2 * tokens * 32, 1), tokens);
        ReferenceRoutes routes = ReferenceRouter.Route(hidden, source.GateWeights, null, source.Gate, source.StaticRules);
        using var directory = new TemporaryDirectory();
        source.Save(directory.Path);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path);
        using MoEBlock block = MoEBlock.Load(checkpoint, 1);
        var buffers = new RoutingBuffers(tokens, block.Router.MaxExperts, 16, withLogits: false);
        var output = new float[hidden.Length];

        _ = block.Forward(hidden, tokens, output, buffers);

        for (int t = 0; t < tokens; t++)
        {
            Assert.Equal(routes.Ids[t], buffers.IndicesOf(t).ToArray());
        }

        ReferenceMoE.Forward(source.Layer, hidden, routes).AssertClose(output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_WhenWholeModelIsDeepSeekV2OrV3_NamesTheKeyThatTheDecoderLacks(bool isV3)
    {
        using var directory = new TemporaryDirectory();
        DeepSeekLayers.Create(isV3).Save(directory.Path);

        var e = Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(directory.Path));

        Assert.Equal("kv_lora_rank", e.Key);
    }

    [Fact]
    public void Load_WhenLayerIsOutOfRangeOrDense_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        DeepSeekLayers.Create(isV3: true).Save(directory.Path);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path);

        Assert.Throws<ArgumentOutOfRangeException>(() => MoEBlock.Load(checkpoint, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => MoEBlock.Load(checkpoint, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => MoEBlock.Load(checkpoint, 0));
        Assert.Throws<ArgumentNullException>(() => MoEBlock.Load(null!, 0));
    }

    [Fact]
    public void Dispose_WhenCalledTwice_RefusesUse()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoEBlock block = model.MoELayers[0];
        block.Dispose();
        block.Dispose();

        Assert.Throws<ObjectDisposedException>(() => block.Forward(new float[32], 1, new float[32]));
    }

    // The first tokens whose every decision is further from its boundary than float32 logits err.
    private static float[] Clear(DeepSeekLayers source, float[] hidden, int tokens)
    {
        ReferenceRoutes routes = ReferenceRouter.Route(hidden, source.GateWeights, null, source.Gate, source.StaticRules);
        float[] clear = [.. Enumerable.Range(0, routes.Tokens).Where(t => !routes.IsClose(t, 1e-5)).Take(tokens).SelectMany(t => hidden[(t * 32)..((t + 1) * 32)])];
        Assert.Equal(tokens * 32, clear.Length);
        return clear;
    }
}
