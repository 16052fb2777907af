using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>Writes a checkpoint as Hugging Face lays it out.</summary>
public static class CheckpointFiles
{
    /// <summary>Writes config.json and model.safetensors, or numbered files and their index.</summary>
    public static void Save(
        string directory, JsonObject config, IReadOnlyDictionary<string, ReferenceTensor> tensors, ElementType type, int shards)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "config.json"), config.ToJsonString());
        var files = Enumerable.Range(0, shards).Select(_ => new RawSafetensors()).ToArray();
        var map = new JsonObject();
        int next = 0;
        foreach ((string name, ReferenceTensor tensor) in tensors)
        {
            int shard = next++ % shards;
            files[shard].Add(name, type.SafetensorsName(), tensor.Shape, type.Encode(tensor.Data));
            map[name] = ShardName(shard, shards);
        }

        for (int i = 0; i < shards; i++)
        {
            files[i].Save(Path.Combine(directory, ShardName(i, shards)));
        }

        if (shards > 1)
        {
            var index = new JsonObject
            {
                ["metadata"] = new JsonObject { ["total_size"] = files.Sum(file => file.DataBytes) },
                ["weight_map"] = map,
            };
            File.WriteAllText(Path.Combine(directory, "model.safetensors.index.json"), index.ToJsonString());
        }
    }

    private static string ShardName(int shard, int shards) =>
        shards == 1 ? "model.safetensors" : $"model-{shard + 1:D5}-of-{shards:D5}.safetensors";
}
