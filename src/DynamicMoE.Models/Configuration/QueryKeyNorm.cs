namespace DynamicMoE.Models;

/// <summary>Which RMS norm queries and keys pass before the rotary embedding.</summary>
public enum QueryKeyNorm
{
    /// <summary>None.</summary>
    None,

    /// <summary>Each head by itself, one weight per element of a head (Qwen3-MoE).</summary>
    PerHead,

    /// <summary>The whole projection at once (OLMoE).</summary>
    FullWidth,
}
