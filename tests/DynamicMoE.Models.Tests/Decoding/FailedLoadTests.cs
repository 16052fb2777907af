using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Runs alone, since it reads a counter of the whole process.</summary>
[CollectionDefinition(nameof(FailedLoadTests), DisableParallelization = true)]
[Collection(nameof(FailedLoadTests))]
public sealed class FailedLoadTests
{
    [Theory]
    [InlineData(ReferenceFamily.Qwen2Moe, "lm_head.weight")]
    [InlineData(ReferenceFamily.Qwen2Moe, "model.layers.2.mlp.shared_expert_gate.weight")]
    [InlineData(ReferenceFamily.Mixtral, "model.layers.2.block_sparse_moe.experts.7.w2.weight")]
    [InlineData(ReferenceFamily.Olmoe, "model.norm.weight")]
    public void Load_WhenALateTensorIsBad_FreesMemoryAndFiles(ReferenceFamily family, string tensor)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(family);
        checkpoint.Tensors[tensor].Data[0] = double.PositiveInfinity;
        using var directory = new TemporaryDirectory();
        checkpoint.Save(directory.Path);
        Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(directory.Path));
        long before = RuntimeInfo.Query().AllocatedBytes;

        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(tensor, Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(directory.Path)).Tensor);
        }

        Assert.Equal(before, RuntimeInfo.Query().AllocatedBytes);
        Assert.False(OpenFiles.Hold(directory["model.safetensors"]));
    }

    [Fact]
    public void Dispose_WhenModelWasPatched_FreesEverything()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe);
        TestModels.Load(checkpoint).Dispose();
        long before = RuntimeInfo.Query().AllocatedBytes;

        MoEModel model = TestModels.Load(checkpoint);
        model.PatchDynamicRouting();
        model.PatchDynamicRouting(DynamicRoutingOptions.FixedCount(1));
        _ = TestModels.Run(model, TestModels.Tokens());
        Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(new DynamicRoutingOptions { MinExperts = 99 }));
        model.Dispose();

        Assert.Equal(before, RuntimeInfo.Query().AllocatedBytes);
    }
}
