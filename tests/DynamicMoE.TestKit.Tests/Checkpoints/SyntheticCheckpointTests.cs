using System.Buffers.Binary;
using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.TestKit.Tests.Checkpoints;

public sealed class SyntheticCheckpointTests
{
    [Fact]
    public void Save_WhenOneFile_HeaderDescribesEveryTensorWithoutHoles()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe, ElementType.Bf16);
        using var directory = new TemporaryDirectory();

        checkpoint.Save(directory.Path);

        byte[] file = File.ReadAllBytes(directory["model.safetensors"]);
        int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        Assert.Equal(0, headerLength % 8);
        using var header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        long expectedStart = 0;
        foreach (JsonProperty tensor in header.RootElement.EnumerateObject().Where(p => p.Name != "__metadata__"))
        {
            Assert.Equal("BF16", tensor.Value.GetProperty("dtype").GetString());
            Assert.Equal(expectedStart, tensor.Value.GetProperty("data_offsets")[0].GetInt64());
            expectedStart = tensor.Value.GetProperty("data_offsets")[1].GetInt64();
        }

        Assert.Equal(file.Length, 8 + headerLength + expectedStart);
    }

    [Fact]
    public void Save_WhenSharded_IndexNamesAFileForEveryTensor()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.DeepSeekMoe);
        using var directory = new TemporaryDirectory();

        checkpoint.Save(directory.Path, shards: 3);

        using var index = JsonDocument.Parse(File.ReadAllText(directory["model.safetensors.index.json"]));
        JsonElement map = index.RootElement.GetProperty("weight_map");
        Assert.Equal(checkpoint.Tensors.Keys.Order(), map.EnumerateObject().Select(p => p.Name).Order());
        Assert.All(map.EnumerateObject(), p => Assert.True(File.Exists(directory[p.Value.GetString()!])));
        Assert.False(File.Exists(directory["model.safetensors"]));
    }

    [Theory]
    [InlineData(ElementType.Bf16)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.F32)]
    public void Create_WhenTypeIsNarrow_TensorsHoldTheStoredValues(ElementType type)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral, type);

        Assert.All(checkpoint.Tensors.Values.SelectMany(t => t.Data), v => Assert.Equal(v, type.Round((float)v)));
    }

    [Fact]
    public void Create_WhenSeedIsEqual_IsEqual()
    {
        double[] a = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral, seed: 4).Tensors["lm_head.weight"].Data;
        double[] b = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral, seed: 4).Tensors["lm_head.weight"].Data;
        double[] c = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral, seed: 5).Tensors["lm_head.weight"].Data;

        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
    }

    [Fact]
    public void Encode_WhenBf16_IsLittleEndian() => Assert.Equal([0x80, 0x3F], ElementType.Bf16.Encode([1.0]));

    [Fact]
    public void BrokenSafetensors_WhenEachIsCreated_ItIsNotAGoodFile()
    {
        byte[] good = new RawSafetensors().Add("a", "F32", [2, 2], new byte[16]).ToBytes();

        Assert.True(BrokenSafetensors.Names.Count >= 25);
        Assert.All(BrokenSafetensors.Names, name => Assert.NotEqual(good, BrokenSafetensors.Create(name)));
    }
}
