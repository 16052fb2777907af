using System.Text.RegularExpressions;

namespace DynamicMoE.Models;

/// <summary>Reads pre_tokenizer of a tokenizer.json. What a sequence of expressions cannot represent is refused by its key.</summary>
internal static class PreTokenizerReader
{
    // ByteLevel with use_regex: the expression of GPT-2.
    private const string ByteLevelPattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // A hostile expression may not stop the process: a match that takes longer than this fails.
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(1);

    public static SplitSequence Read(ConfigReader tokenizer)
    {
        ConfigReader root = tokenizer.Object("pre_tokenizer") ?? throw tokenizer.Missing("pre_tokenizer");
        IReadOnlyList<ConfigReader> parts = root.Text("type") == "Sequence" ? root.Objects("pretokenizers") : [root];
        var stages = new List<Regex>();
        bool byteLevel = false;
        foreach (ConfigReader part in parts)
        {
            if (byteLevel)
            {
                throw part.Refuse("type", "nothing may follow ByteLevel.");
            }

            byteLevel = part.Text("type") == "ByteLevel";
            if (Stage(part) is { } stage)
            {
                stages.Add(stage);
            }
        }

        return byteLevel ? new SplitSequence(stages) : throw root.Refuse("type", "only byte-level tokenizers are supported: ByteLevel is needed.");
    }

    private static Regex? Stage(ConfigReader part)
    {
        switch (part.Text("type"))
        {
            case "ByteLevel":
                // The format's default for add_prefix_space is true.
                if (part.Boolean("add_prefix_space", fallback: true))
                {
                    throw part.Refuse("add_prefix_space", "only false is supported.");
                }

                return part.Boolean("use_regex", fallback: true) ? new Regex(ByteLevelPattern, RegexOptions.CultureInvariant, MatchTimeout) : null;
            case "Digits":
                return new Regex(part.Boolean("individual_digits", fallback: false) ? @"\p{N}" : @"\p{N}+", RegexOptions.CultureInvariant, MatchTimeout);
            case "Split":
                return Split(part);
            default:
                throw part.Refuse("type", "one of Sequence, Split, Digits, ByteLevel is needed.");
        }
    }

    private static Regex Split(ConfigReader part)
    {
        if (part.Text("behavior") != "Isolated")
        {
            throw part.Refuse("behavior", "only 'Isolated' is supported.");
        }

        part.RequireFalse("invert", "only false is supported.");
        ConfigReader pattern = part.Object("pattern") ?? throw part.Missing("pattern");
        string expression = pattern.Has("String") ? Regex.Escape(pattern.Text("String")) : pattern.Text("Regex");
        try
        {
            return new Regex(expression, RegexOptions.CultureInvariant, MatchTimeout);
        }
        catch (ArgumentException)
        {
            throw pattern.Refuse("Regex", "this expression is not one of .NET's.");
        }
    }
}
