using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>What the hash of a model covers.</summary>
public sealed class ModelHashTests
{
    [Theory]
    [InlineData(ReferenceFamily.Mixtral)]
    [InlineData(ReferenceFamily.Qwen2Moe)]
    [InlineData(ReferenceFamily.DeepSeekMoe)]
    public void Hash_WhenFolderShardsAndPackedFileAreOfOneCheckpoint_IsTheSameInEveryFormat(ReferenceFamily family)
    {
        using var directory = new TemporaryDirectory();
        var checkpoint = SyntheticCheckpoint.Create(family);
        checkpoint.Save(directory["one"]);
        checkpoint.Save(directory["two"], shards: 2);
        var hashes = new HashSet<ModelHash> { Hash(directory["two"], null) };
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            PackedModel.Pack(directory["one"], directory["packed"], format, overwrite: true);
            hashes.Add(Hash(directory["one"], format));
            hashes.Add(Hash(directory["packed"], null));
        }

        Assert.Single(hashes);
        Assert.NotEqual(default, hashes.Single());
    }

    [Fact]
    public void Hash_WhenTheConfigurationOrATensorDiffers_IsAnother()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(directory["model"]);
        ModelHash original = Hash(directory["model"], null);
        string config = File.ReadAllText(directory["model/config.json"]);

        File.WriteAllText(directory["model/config.json"], config + "\n");
        Assert.NotEqual(original, Hash(directory["model"], null));
        File.WriteAllText(directory["model/config.json"], config);
        Assert.Equal(original, Hash(directory["model"], null));

        foreach (string tensor in new[] { "model.layers.1.block_sparse_moe.gate.weight", "model.norm.weight", "model.layers.0.self_attn.q_proj.weight", "lm_head.weight" })
        {
            byte[] bytes = File.ReadAllBytes(directory["model/model.safetensors"]);
            int at = Offset(directory["model/model.safetensors"], tensor);
            bytes[at] ^= 1;
            File.WriteAllBytes(directory["model/other"], bytes);
            SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(directory["changed"]);
            File.Move(directory["model/other"], directory["changed/model.safetensors"], overwrite: true);
            Assert.NotEqual(original, Hash(directory["changed"], null));
        }
    }

    private static int Offset(string path, string tensor)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        using FileStream stream = File.OpenRead(path);
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        return 8 + (int)BitConverter.ToInt64(prefix) + (int)file.Tensors[tensor].Begin;
    }

    private static ModelHash Hash(string path, WeightFormat? format)
    {
        using MoEModel model = MoEModel.Load(path, new ModelLoadOptions { WeightFormat = format });
        return model.Hash;
    }
}
