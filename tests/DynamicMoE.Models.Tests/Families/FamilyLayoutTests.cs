using System.Globalization;
using System.Text.Json.Nodes;
using DynamicMoE.Models.Tests.Configuration;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Files;
using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Models.Tests.Families;

/// <summary>Checkpoints made of exactly the tensors that families.tsv lists: all of them are needed, none is left over.</summary>
public sealed class FamilyLayoutTests
{
    public static TheoryData<string> Decoders => ["mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "deepseek"];

    public static TheoryData<string> All => [.. FamilyTable.Families];

    [Theory, MemberData(nameof(Decoders))]
    public void Load_WhenCheckpointHasExactlyTheListedTensors_Succeeds(string family)
    {
        using var directory = new TemporaryDirectory();
        CheckpointFiles.Save(directory.Path, FamilyConfigs.Create(family), Tensors(family), ElementType.F32, shards: 1);

        using MoEModel model = MoEModel.Load(directory.Path);

        Assert.Equal(model.Config.MoELayers.Count(moe => moe), model.MoELayers.Count);
        Assert.False(HoldsFiles(directory));
    }

    [Theory, MemberData(nameof(All))]
    public void Load_WhenAListedTensorIsMissing_NamesIt(string family)
    {
        Dictionary<string, ReferenceTensor> tensors = Tensors(family);
        foreach (string missing in Samples(family, tensors))
        {
            using var directory = new TemporaryDirectory();
            CheckpointFiles.Save(
                directory.Path, FamilyConfigs.Create(family), tensors.Where(t => t.Key != missing).ToDictionary(), ElementType.F32, shards: 1);

            Assert.Equal(missing, Assert.Throws<CheckpointFormatException>(() => Load(family, directory.Path)).Tensor);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Load_WhenAListedTensorHasAnotherShape_NamesItAndBothShapes(string family)
    {
        Dictionary<string, ReferenceTensor> tensors = Tensors(family);
        foreach (string changed in Samples(family, tensors))
        {
            using var directory = new TemporaryDirectory();
            var damaged = new Dictionary<string, ReferenceTensor>(tensors);
            ReferenceTensor tensor = tensors[changed];
            damaged[changed] = new ReferenceTensor([.. tensor.Data, .. tensor.Data], [.. tensor.Shape[..^1], tensor.Shape[^1] * 2]);
            CheckpointFiles.Save(directory.Path, FamilyConfigs.Create(family), damaged, ElementType.F32, shards: 1);

            var e = Assert.Throws<CheckpointFormatException>(() => Load(family, directory.Path));

            Assert.Equal(changed, e.Tensor);
            Assert.Contains($"[{string.Join(", ", tensor.Shape)}] is needed", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Load_WhenAListedTensorHoldsNaN_NamesIt(string family)
    {
        Dictionary<string, ReferenceTensor> tensors = Tensors(family);
        foreach (string changed in Samples(family, tensors))
        {
            using var directory = new TemporaryDirectory();
            var damaged = new Dictionary<string, ReferenceTensor>(tensors);
            double[] data = [.. tensors[changed].Data];
            data[^1] = double.NaN;
            damaged[changed] = new ReferenceTensor(data, tensors[changed].Shape);
            CheckpointFiles.Save(directory.Path, FamilyConfigs.Create(family), damaged, ElementType.Bf16, shards: 1);

            Assert.Equal(changed, Assert.Throws<CheckpointFormatException>(() => Load(family, directory.Path)).Tensor);
        }
    }

    [Theory, MemberData(nameof(Decoders))]
    public void Load_WhenATensorIsNotExplained_NamesIt(string family)
    {
        using var directory = new TemporaryDirectory();
        Dictionary<string, ReferenceTensor> tensors = Tensors(family);
        tensors["model.layers.0.self_attn.surprise.weight"] = new ReferenceTensor([1], [1]);
        tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = new ReferenceTensor([1], [1]);
        CheckpointFiles.Save(directory.Path, FamilyConfigs.Create(family), tensors, ElementType.F32, shards: 1);

        Assert.Equal(
            "model.layers.0.self_attn.surprise.weight", Assert.Throws<CheckpointFormatException>(() => Load(family, directory.Path)).Tensor);
    }

    /// <summary>Loads what the family has here: the whole model, or its MoE layer.</summary>
    private static void Load(string family, string directory)
    {
        if (family is "deepseek_v2" or "deepseek_v3")
        {
            using Checkpoint checkpoint = Checkpoint.Open(directory);
            MoEBlock.Load(checkpoint, 1).Dispose();
        }
        else
        {
            MoEModel.Load(directory).Dispose();
        }
    }

    // One tensor of each row; of the experts the last.
    private static IEnumerable<string> Samples(string family, Dictionary<string, ReferenceTensor> tensors) =>
        FamilyTable.Of(family, "tensor").Select(row =>
        {
            string[] parts = row.Subject.Replace("{expert}", "7", StringComparison.Ordinal).Split("{layer}");
            return tensors.Keys.Last(name => parts.Length == 1
                ? name == row.Subject
                : name.StartsWith(parts[0], StringComparison.Ordinal) && name.EndsWith(parts[1], StringComparison.Ordinal)
                    && name.Length - parts[0].Length - parts[1].Length == 1);
        });

    private static Dictionary<string, ReferenceTensor> Tensors(string family)
    {
        JsonObject json = FamilyConfigs.Create(family);
        ModelConfig config = FamilyConfigs.Read(json);
        var random = new SeededRandom(7);
        var tensors = new Dictionary<string, ReferenceTensor>();
        foreach (FamilyFact row in FamilyTable.Of(family, "tensor"))
        {
            int[] shape = [.. row.Value.Split(',').Select(name => Size(name, config))];
            foreach (int layer in Layers(row.When, config))
            {
                for (int expert = 0; expert < (row.When == "expert" ? config.Experts.Count : 1); expert++)
                {
                    string name = row.Subject.Replace("{layer}", Text(layer), StringComparison.Ordinal)
                        .Replace("{expert}", Text(expert), StringComparison.Ordinal);
                    tensors[name] = new ReferenceTensor(
                        Array.ConvertAll(random.Gaussian(shape.Aggregate(1, (a, b) => a * b), 0.1), v => (double)v), shape);
                }
            }
        }

        return tensors;
    }

    private static IEnumerable<int> Layers(string when, ModelConfig config) => when switch
    {
        "model" => [0],
        "layer" => Enumerable.Range(0, config.LayerCount),
        "dense" => Enumerable.Range(0, config.LayerCount).Where(layer => !config.MoELayers[layer]),
        _ => Enumerable.Range(0, config.LayerCount).Where(layer => config.MoELayers[layer]),
    };

    private static int Size(string name, ModelConfig config) => name switch
    {
        "vocab" => config.VocabularySize,
        "hidden" => config.HiddenSize,
        "q" => config.Attention!.QueryWidth,
        "kv" => config.Attention!.KeyValueWidth,
        "head" => config.Attention!.HeadSize,
        "experts" => config.Experts.Count,
        "width" => config.Experts.Width,
        "shared" => config.Experts.SharedWidth,
        "dense" => config.DenseWidth,
        "one" => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "families.tsv has a size that the test does not know."),
    };

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool HoldsFiles(TemporaryDirectory directory) => OpenFiles.Hold(directory["model.safetensors"]);
}
