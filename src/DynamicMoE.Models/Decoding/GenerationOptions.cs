namespace DynamicMoE.Models;

/// <summary>How the next token is drawn, and when to stop.</summary>
public sealed class GenerationOptions
{
    /// <summary>Most tokens to generate. Generation also ends when the session is full.</summary>
    /// <value>At least 1. The default is 128.</value>
    public int MaxNewTokens { get; set; } = 128;

    /// <summary>Divides the logits before they become probabilities.</summary>
    /// <value>At least 0, finite. The default is 0: always the most probable token, the lower id when two are equal.</value>
    public float Temperature { get; set; }

    /// <summary>Draws from the k most probable tokens only.</summary>
    /// <value>At least 0. The default is 0: from all.</value>
    public int TopK { get; set; }

    /// <summary>Draws from the most probable tokens whose probabilities reach this sum.</summary>
    /// <value>Above 0, at most 1. The default is 1: from all.</value>
    public float TopP { get; set; } = 1;

    /// <summary>The same seed, model and prompt give the same text.</summary>
    /// <value>The default is 0.</value>
    public int Seed { get; set; }

    /// <summary>Ids that end the text; they are not returned.</summary>
    /// <value>The default, null, takes eos_token_id of config.json.</value>
    public IReadOnlyList<int>? StopTokens { get; set; }

    internal GenerationOptions Validated()
    {
        if (MaxNewTokens < 1)
        {
            throw Refuse(nameof(MaxNewTokens), MaxNewTokens, "at least 1");
        }

        if (!float.IsFinite(Temperature) || Temperature < 0)
        {
            throw Refuse(nameof(Temperature), Temperature, "finite and at least 0");
        }

        if (TopK < 0)
        {
            throw Refuse(nameof(TopK), TopK, "at least 0");
        }

        return TopP is > 0 and <= 1 ? (GenerationOptions)MemberwiseClone() : throw Refuse(nameof(TopP), TopP, "above 0 and at most 1");
    }

    private static RouterConfigurationException Refuse(string name, IFormattable value, string range) =>
        new($"GenerationOptions: {name} ({value.ToString(null, System.Globalization.CultureInfo.InvariantCulture)}) must be {range}.");
}
