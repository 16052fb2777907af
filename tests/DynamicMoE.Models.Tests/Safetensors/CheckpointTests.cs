using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Models.Tests.Safetensors;

public sealed class CheckpointTests
{
    private const string Index = "model.safetensors.index.json", Embedding = "model.embed_tokens.weight";

    [Fact]
    public void Open_WhenTensorsAreInShards_FindsEach()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint source = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        source.Save(directory.Path, shards: 3);

        using Checkpoint checkpoint = Checkpoint.Open(directory.Path);

        Assert.Equal(source.Tensors.Keys.Order(StringComparer.Ordinal), checkpoint.TensorNames.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("../model-00001-of-00002.safetensors")]
    [InlineData("/etc/model.safetensors")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..\\model.safetensors")]
    [InlineData("..")]
    [InlineData(".safetensors")]
    [InlineData("config.json")]
    [InlineData("")]
    public void Open_WhenIndexLeadsOutOfTheDirectory_NamesTensorAndFile(string file)
    {
        using TemporaryDirectory directory = Sharded(index => index["weight_map"]![Embedding] = file);

        var e = Assert.Throws<CheckpointFormatException>(() => Checkpoint.Open(directory.Path));

        Assert.Equal(Embedding, e.Tensor);
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhenShardIsMissing_NamesFileAndClosesTheOthers()
    {
        using TemporaryDirectory directory = Sharded(index => index["weight_map"]!["model.norm.weight"] = "gone.safetensors");

        var e = Assert.Throws<CheckpointFormatException>(() => Checkpoint.Open(directory.Path));

        Assert.Contains("gone.safetensors", e.Message, StringComparison.Ordinal);
        Assert.False(OpenFiles.Hold(directory["model-00001-of-00002.safetensors"]));
        Assert.False(OpenFiles.Hold(directory["model-00002-of-00002.safetensors"]));
    }

    [Fact]
    public void Open_WhenShardLacksTheTensor_NamesIt()
    {
        using TemporaryDirectory directory = Sharded(index => index["weight_map"]!["extra.weight"] = "model-00001-of-00002.safetensors");

        var e = Assert.Throws<CheckpointFormatException>(() => Checkpoint.Open(directory.Path));

        Assert.Equal("extra.weight", e.Tensor);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"weight_map\":{}}")]
    [InlineData("{\"weight_map\":{\"a\":1}}")]
    [InlineData("{\"weight_map\":{\"a\":\"m.safetensors\",\"a\":\"m.safetensors\"}}")]
    [InlineData("{\"weight_map\":")]
    [InlineData("{\"weight_map\":{\"\\ud800\":\"m.safetensors\"}}")]
    public void Open_WhenIndexIsNotValid_NamesTheFile(string json)
    {
        using TemporaryDirectory directory = Sharded(_ => { });
        File.WriteAllText(directory[Index], json);

        var e = Assert.Throws<CheckpointFormatException>(() => Checkpoint.Open(directory.Path));

        Assert.Equal(directory[Index], e.File);
    }

    [Fact]
    public void Open_WhenDirectoryHasNoWeights_NamesWhatItLookedFor()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(ReferenceFamily.Olmoe).Save(directory.Path);
        File.Delete(directory["model.safetensors"]);

        var e = Assert.Throws<CheckpointFormatException>(() => Checkpoint.Open(directory.Path));

        Assert.Contains("model.safetensors.index.json", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhenDirectoryIsMissing_NamesConfig()
    {
        var e = Assert.Throws<ModelConfigurationException>(() => Checkpoint.Open("/nonexistent-directory"));

        Assert.Contains("config.json", e.Message, StringComparison.Ordinal);
    }

    private static TemporaryDirectory Sharded(Action<JsonNode> edit)
    {
        var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(directory.Path, shards: 2);
        JsonNode index = JsonNode.Parse(File.ReadAllText(directory[Index]))!;
        edit(index);
        File.WriteAllText(directory[Index], index.ToJsonString());
        return directory;
    }
}
