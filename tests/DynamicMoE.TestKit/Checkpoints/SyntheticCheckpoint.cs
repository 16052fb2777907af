using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>A seeded random checkpoint of a family's exact layout, in memory and, once saved, as Hugging Face files.</summary>
public sealed class SyntheticCheckpoint
{
    private SyntheticCheckpoint(DecoderSettings settings, ElementType type, Dictionary<string, ReferenceTensor> tensors)
    {
        Settings = settings;
        Type = type;
        Tensors = tensors;
        Config = FamilyConfig.Create(settings, type);
    }

    /// <summary>The numbers of <see cref="Config"/>.</summary>
    public DecoderSettings Settings { get; }

    /// <summary>Stored element type.</summary>
    public ElementType Type { get; }

    /// <summary>Tensors by name, already rounded to the stored type. Edit before saving to make a damaged checkpoint.</summary>
    public Dictionary<string, ReferenceTensor> Tensors { get; }

    /// <summary>config.json. Edit before saving to make a contradictory checkpoint.</summary>
    public JsonObject Config { get; }

    /// <summary>A decoder over the tensors.</summary>
    public ReferenceDecoder Decoder => new(Settings, Tensors);

    /// <summary>Makes a checkpoint of a family's small settings.</summary>
    public static SyntheticCheckpoint Create(ReferenceFamily family, ElementType type = ElementType.F32, ulong seed = 1) =>
        Create(FamilySettings.Create(family), type, seed);

    /// <summary>Makes a checkpoint of given settings. Products keep unit variance, so that every expert matters and
    /// router logits spread by about 1.</summary>
    public static SyntheticCheckpoint Create(DecoderSettings settings, ElementType type = ElementType.F32, ulong seed = 1)
    {
        var random = new SeededRandom(seed);
        var tensors = new Dictionary<string, ReferenceTensor>();
        foreach ((string name, int[] shape) in TensorNames.All(settings))
        {
            int count = shape.Aggregate(1, (a, b) => a * b);
            bool norm = shape.Length == 1 && name.EndsWith(".weight", StringComparison.Ordinal);
            double deviation = norm ? 0.1 : name == TensorNames.Embedding ? 1 : 1 / Math.Sqrt(shape[^1]);
            double[] data = Array.ConvertAll(
                random.Gaussian(count, deviation),
                value => (double)type.Round(value + (norm ? 1 : 0)));
            tensors[name] = new ReferenceTensor(data, shape);
        }

        return new SyntheticCheckpoint(settings, type, tensors);
    }

    /// <summary>Writes config.json and model.safetensors, or, with more than one shard, numbered files and their index.</summary>
    /// <param name="directory">Created when missing.</param>
    /// <param name="shards">Files, 1 or more; tensors are dealt round-robin so that a layer spans files.</param>
    public void Save(string directory, int shards = 1) => CheckpointFiles.Save(directory, Config, Tensors, Type, shards);
}
