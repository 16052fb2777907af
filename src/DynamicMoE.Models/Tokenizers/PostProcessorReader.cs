namespace DynamicMoE.Models;

/// <summary>Reads post_processor of a tokenizer.json: which tokens are put in front of a text.</summary>
internal static class PostProcessorReader
{
    public static int[] ReadPrefix(ConfigReader tokenizer, AddedTokens added)
    {
        if (tokenizer.Object("post_processor") is not { } root)
        {
            return [];
        }

        IReadOnlyList<ConfigReader> parts = root.Text("type") == "Sequence" ? root.Objects("processors") : [root];
        var prefix = new List<int>();
        foreach (ConfigReader part in parts)
        {
            switch (part.Text("type"))
            {
                // Only moves offsets, which nobody reads here.
                case "ByteLevel":
                    break;
                case "TemplateProcessing":
                    prefix.AddRange(Template(part, added));
                    break;
                default:
                    throw part.Refuse("type", "one of Sequence, ByteLevel, TemplateProcessing is needed.");
            }
        }

        return [.. prefix];
    }

    private static List<int> Template(ConfigReader part, AddedTokens added)
    {
        var prefix = new List<int>();
        bool text = false;
        foreach (ConfigReader item in part.Objects("single"))
        {
            if (item.Object("SpecialToken") is { } special)
            {
                if (text)
                {
                    throw special.Refuse("id", "tokens behind the text are not supported.");
                }

                prefix.Add(added.Ids.TryGetValue(special.Text("id"), out int id)
                    ? id
                    : throw special.Refuse("id", "not one of added_tokens."));
            }
            else
            {
                text = true;
            }
        }

        return prefix;
    }
}
