using System.Text;
using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Models.Tests.Tokenizers;

/// <summary>A small byte-level tokenizer.json, and an encoder that follows the definition of BPE step by step.</summary>
internal static class BpeFile
{
    /// <summary>Qwen's expression.</summary>
    public const string QwenPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] Merged = ["he", "ll", "hell", "hello", "\u0120w", "or", "\u0120wor", "ld", "\u0120world", "\u0120hello", "\u0120he", "ee"];

    /// <summary>Pairs in order of importance.</summary>
    public static IReadOnlyList<(string Left, string Right)> Merges { get; } =
    [
        ("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("\u0120", "w"), ("o", "r"), ("\u0120w", "or"), ("l", "d"), ("\u0120wor", "ld"),
        ("\u0120", "he"), ("\u0120", "hello"), ("e", "e"),
    ];

    /// <summary>Ids by entry: the 256 bytes, then what merges make.</summary>
    public static Dictionary<string, int> Vocabulary { get; } = Enumerable.Range(0, 256).Select(b => ByteLevelAlphabet.ToCharacter((byte)b).ToString())
        .Concat(Merged).Select((entry, id) => (entry, id)).ToDictionary(e => e.entry, e => e.id);

    /// <summary>A valid file, as Qwen checkpoints have it.</summary>
    public static JsonObject Create()
    {
        var vocabulary = new JsonObject();
        foreach ((string entry, int id) in Vocabulary)
        {
            vocabulary[entry] = id;
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(
                Added(300, "<|end|>"), Added(301, "<|end|>x"), Added(302, "<tool>")),
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject
                    {
                        ["type"] = "Split",
                        ["pattern"] = new JsonObject { ["Regex"] = QwenPattern },
                        ["behavior"] = "Isolated",
                        ["invert"] = false,
                    },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false }),
            },
            ["post_processor"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. Merges.Select(m => (JsonNode)$"{m.Left} {m.Right}")]),
            },
        };
    }

    /// <summary>Opens a file with this content.</summary>
    public static ByteLevelBpe Open(JsonObject file)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["tokenizer.json"], file.ToJsonString());
        return ByteLevelBpe.Open(directory["tokenizer.json"]);
    }

    /// <summary>BPE of one piece by its definition: again and again the most important pair, the leftmost first.</summary>
    public static IEnumerable<int> Encode(string piece)
    {
        List<string> parts = [.. Encoding.UTF8.GetBytes(piece).Select(b => ByteLevelAlphabet.ToCharacter(b).ToString())];
        while (true)
        {
            (int Rank, int At) best = (int.MaxValue, -1);
            for (int i = 0; i + 1 < parts.Count; i++)
            {
                int rank = Merges.Select((m, r) => (m, r)).Where(m => m.m == (parts[i], parts[i + 1])).Select(m => m.r).FirstOrDefault(int.MaxValue);
                if (rank < best.Rank)
                {
                    best = (rank, i);
                }
            }

            if (best.At < 0)
            {
                return parts.Select(part => Vocabulary[part]);
            }

            parts[best.At] += parts[best.At + 1];
            parts.RemoveAt(best.At + 1);
        }
    }

    private static JsonObject Added(int id, string content) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };
}
