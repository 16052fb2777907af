using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Vocabulary and merges of a tokenizer.json.</summary>
internal sealed class BpeModelReader
{
    private BpeModelReader(Dictionary<string, int> vocabulary, List<string> merges, Dictionary<int, byte[]> texts)
    {
        Vocabulary = vocabulary;
        Merges = merges;
        Texts = texts;
    }

    public IReadOnlyDictionary<string, int> Vocabulary { get; }

    /// <summary>Pairs as "left right", most important first.</summary>
    public IReadOnlyList<string> Merges { get; }

    /// <summary>Bytes of each id.</summary>
    public Dictionary<int, byte[]> Texts { get; }

    public static BpeModelReader Read(ConfigReader root)
    {
        ConfigReader model = root.Object("model") ?? throw root.Missing("model");
        // Old files leave the type out; they have merges, which no other type has.
        if (model.Text("type", fallback: model.Has("merges") ? "BPE" : null) != "BPE")
        {
            throw model.Refuse("type", "only 'BPE' is supported.");
        }

        model.RequireFalse("byte_fallback", "byte fallback is not supported here; tokenizer.model of the same checkpoint is.");
        model.RequireFalse("ignore_merges", "only false is supported.");
        model.RequireAbsent("dropout", "only null is supported.");
        RequireEmpty(model, "continuing_subword_prefix");
        RequireEmpty(model, "end_of_word_suffix");
        var (vocabulary, texts) = ReadVocabulary(model);
        return new BpeModelReader(vocabulary, ReadMerges(model, vocabulary), texts);
    }

    private static (Dictionary<string, int> Vocabulary, Dictionary<int, byte[]> Texts) ReadVocabulary(ConfigReader model)
    {
        if (model.Find("vocab") is not { ValueKind: JsonValueKind.Object } entries)
        {
            throw model.Has("vocab") ? model.Refuse("vocab", "an object is needed.") : model.Missing("vocab");
        }

        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var texts = new Dictionary<int, byte[]>();
        foreach (JsonProperty entry in entries.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id < 0)
            {
                throw new ModelConfigurationException(model.File, "model.vocab", $"{Printable.Quote(entry.Name)} has no id of at least 0.");
            }

            // Special tokens may stand in the vocabulary in plain text; their bytes come from added_tokens.
            byte[] text = ByteLevelAlphabet.ToBytes(entry.Name) ?? [];
            if (!texts.TryAdd(id, text))
            {
                throw new ModelConfigurationException(model.File, "model.vocab", $"id {id} occurs twice, the second time for {Printable.Quote(entry.Name)}.");
            }

            vocabulary.Add(entry.Name, id);
        }

        for (int b = 0; b < 256; b++)
        {
            if (!vocabulary.ContainsKey(ByteLevelAlphabet.ToCharacter((byte)b).ToString()))
            {
                throw new ModelConfigurationException(model.File, "model.vocab", $"byte {b} has no entry; a byte-level vocabulary has all 256.");
            }
        }

        return (vocabulary, texts);
    }

    private static List<string> ReadMerges(ConfigReader model, Dictionary<string, int> vocabulary)
    {
        if (model.Find("merges") is not { ValueKind: JsonValueKind.Array } entries)
        {
            throw model.Has("merges") ? model.Refuse("merges", "an array is needed.") : model.Missing("merges");
        }

        var merges = new List<string>();
        foreach (JsonElement entry in entries.EnumerateArray())
        {
            string[] pair = Pair(entry);
            if (pair.Length != 2 || !vocabulary.ContainsKey(pair[0]) || !vocabulary.ContainsKey(pair[1]) || !vocabulary.ContainsKey(pair[0] + pair[1]))
            {
                throw new ModelConfigurationException(
                    model.File, $"model.merges[{merges.Count}]", $"{Printable.Quote(entry)} is not a pair of entries whose union is an entry.");
            }

            merges.Add($"{pair[0]} {pair[1]}");
        }

        return merges;
    }

    private static string[] Pair(JsonElement entry)
    {
        try
        {
            return entry.ValueKind switch
            {
                JsonValueKind.String => entry.GetString()!.Split(' '),
                JsonValueKind.Array => [.. entry.EnumerateArray().Select(part => part.ValueKind == JsonValueKind.String ? part.GetString()! : "")],
                _ => [],
            };
        }
        catch (InvalidOperationException)
        {
            // Not valid UTF-8 or UTF-16, so no pair of entries.
            return [];
        }
    }

    private static void RequireEmpty(ConfigReader model, string key)
    {
        if (model.Has(key) && model.Text(key).Length > 0)
        {
            throw model.Refuse(key, "only an empty text is supported.");
        }
    }
}
