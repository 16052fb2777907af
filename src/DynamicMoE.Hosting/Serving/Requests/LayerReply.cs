namespace DynamicMoE.Hosting;

/// <summary>Answer to a <see cref="LayerRequest"/>; every array belongs to the caller.</summary>
public sealed class LayerReply
{
    /// <summary>Tokens of the request.</summary>
    public required int Tokens { get; init; }

    /// <summary>Output, <c>[tokens, hidden size]</c>; empty for a route, and where <see cref="LayerRequest.OutputBuffer"/> was given.</summary>
    public float[] Output { get; init; } = [];

    /// <summary>Slots per token in <see cref="ExpertIndices"/> and <see cref="ExpertWeights"/>; 0 where the routing was not asked for.</summary>
    public int Slots { get; init; }

    /// <summary>Experts by falling weight, <c>[tokens, Slots]</c>; -1 in slots that are not used.</summary>
    public int[] ExpertIndices { get; init; } = [];

    /// <summary>Their weights, <c>[tokens, Slots]</c>; 0 in slots that are not used.</summary>
    public float[] ExpertWeights { get; init; } = [];

    /// <summary>Experts of each token, <c>[tokens]</c>.</summary>
    public int[] ExpertsPerToken { get; init; } = [];

    /// <summary>Complexity of each token in [0, 1], <c>[tokens]</c>.</summary>
    public float[] ComplexityScores { get; init; } = [];

    /// <summary>Router logits, <c>[tokens, experts]</c>; empty unless asked for.</summary>
    public float[] RouterLogits { get; init; } = [];

    /// <summary>Mean of <see cref="ExpertsPerToken"/>, whether or not the routing was asked for.</summary>
    public required double MeanExpertsPerToken { get; init; }

    /// <summary>Tokens of the batch that this request was part of.</summary>
    public required int BatchTokens { get; init; }

    /// <summary>Ceiling on the mean experts per token that overload imposed on the batch; null: none.</summary>
    public double? ExpertsCeiling { get; init; }

    /// <summary>Time from acceptance to the begin of the batch.</summary>
    public required TimeSpan Waited { get; init; }
}
