namespace DynamicMoE.Hosting;

/// <summary>One generated token.</summary>
/// <param name="TokenId">The token; -1 in a last update that brings none.</param>
/// <param name="Text">Text that became certain with it; may be empty, since a character can take several tokens and a stop text must not be shown.</param>
/// <param name="Experts">Mean experts per token and layer that computed it; NaN in an update that brings no token.</param>
/// <param name="FinishReason">Why the sequence ends here; null: it goes on.</param>
public readonly record struct GenerationUpdate(int TokenId, string Text, float Experts, FinishReason? FinishReason)
{
    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Ceiling on the mean experts per token that overload imposed on the batch; null: none.</summary>
    public double? ExpertsCeiling { get; init; }
}

/// <summary>Why a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>The model's end token, or a stop text.</summary>
    Stop,

    /// <summary>As many tokens as were asked for, or as fit.</summary>
    Length,
}
