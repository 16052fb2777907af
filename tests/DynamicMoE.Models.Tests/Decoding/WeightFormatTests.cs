using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Experts take the format that was asked for; every other product is bfloat16 below float32.</summary>
public sealed class WeightFormatTests
{
    [Theory]
    [InlineData(null, WeightFormat.Float32, WeightFormat.Float32)]
    [InlineData(WeightFormat.Float32, WeightFormat.Float32, WeightFormat.Float32)]
    [InlineData(WeightFormat.BFloat16, WeightFormat.BFloat16, WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Q8, WeightFormat.Q8, WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Q4, WeightFormat.Q4, WeightFormat.BFloat16)]
    public void Load_WhateverTheFormat_KeepsExpertsInItAndTheRestAtLeastInBf16(WeightFormat? asked, WeightFormat experts, WeightFormat rest)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe, new ModelLoadOptions { WeightFormat = asked });

        Assert.Equal(experts, model.WeightFormat);
        Assert.All(model.MoELayers, layer => Assert.Equal((experts, experts), (layer.Experts.Format, layer.SharedExperts!.Format)));
        Assert.Equal(rest, model.Weights.Head.Format);
    }

    // Random weights, so the loss is that of the numbers alone: a share of the logits' own deviation, at most twice what was measured.
    [Theory]
    [InlineData(WeightFormat.BFloat16, 0.011)]
    [InlineData(WeightFormat.Q8, 0.017)]
    [InlineData(WeightFormat.Q4, 0.15)]
    public void Forward_WhenExpertsHaveFewerBits_StaysNearFloat32(WeightFormat format, double share)
    {
        using MoEModel exact = TestModels.Load(ReferenceFamily.Qwen2Moe);
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe, new ModelLoadOptions { WeightFormat = format });
        float[] expected = TestModels.Run(exact, TestModels.Tokens());
        float[] logits = TestModels.Run(model, TestModels.Tokens());

        double error = Math.Sqrt(expected.Zip(logits, (a, b) => Math.Pow(a - b, 2)).Average());
        double deviation = Math.Sqrt(expected.Average(value => Math.Pow(value, 2)));

        Assert.InRange(error / deviation, 1e-9, share);
    }

    [Fact]
    public void Load_WhenTheFormatIsUnknown_NamesIt() =>
        Assert.Contains(
            "WeightFormat (7) is not one of Float32, BFloat16, Q8, Q4",
            Assert.Throws<RouterConfigurationException>(
                () => TestModels.Load(ReferenceFamily.Mixtral, new ModelLoadOptions { WeightFormat = (WeightFormat)7 })).Message,
            StringComparison.Ordinal);
}
