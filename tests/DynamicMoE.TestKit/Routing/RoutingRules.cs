namespace DynamicMoE.TestKit.Routing;

/// <summary>Turns logits into probabilities.</summary>
public enum ReferenceGate
{
    /// <summary>Over all experts.</summary>
    Softmax,

    /// <summary>Each expert by itself.</summary>
    Sigmoid,
}

/// <summary>Ranks groups of experts.</summary>
public enum ReferenceGroupScore
{
    /// <summary>Best q of the group.</summary>
    Max,

    /// <summary>Sum of the two best q.</summary>
    Top2Sum,
}

/// <summary>When selection stops.</summary>
public enum ReferenceStrategy
{
    /// <summary>After k experts.</summary>
    TopK,

    /// <summary>Before the first expert below tau times the best.</summary>
    Threshold,

    /// <summary>Once a share of probability is taken.</summary>
    TopP,
}

/// <summary>Makes weights of probabilities.</summary>
public enum ReferenceWeighting
{
    /// <summary>Sums to 1 over the selection.</summary>
    Renormalize,

    /// <summary>Over the sum of the trained static selection.</summary>
    TrainedScale,

    /// <summary>p itself.</summary>
    Raw,
}

/// <summary>Where a token's complexity comes from.</summary>
public enum ReferenceScore
{
    /// <summary>0.5 for all.</summary>
    Half,

    /// <summary>From the caller.</summary>
    Supplied,

    /// <summary>p(2)/p(1).</summary>
    RouterMargin,

    /// <summary>Entropy of p over ln E.</summary>
    RouterEntropy,
}

/// <summary>What happens to a route over capacity.</summary>
public enum ReferenceOverflow
{
    /// <summary>Dropped.</summary>
    Drop,

    /// <summary>To the token's next choice with room.</summary>
    Reroute,
}

/// <summary>Gating rules of a checkpoint.</summary>
public sealed record GateRules
{
    /// <summary>E.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts per token in training.</summary>
    public required int TrainedExperts { get; init; }

    /// <summary>Softmax or sigmoid.</summary>
    public ReferenceGate Gate { get; init; }

    /// <summary>Groups of equal size; 1 = none.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Groups kept.</summary>
    public int TopGroups { get; init; } = 1;

    /// <summary>How groups are ranked.</summary>
    public ReferenceGroupScore GroupScore { get; init; }

    /// <summary>Factor on every weight.</summary>
    public double RoutedScale { get; init; } = 1;
}

/// <summary>Rules of one call.</summary>
public sealed record RouteRules
{
    /// <summary>kmin.</summary>
    public required int MinExperts { get; init; }

    /// <summary>kmax.</summary>
    public required int MaxExperts { get; init; }

    /// <summary>When selection stops.</summary>
    public ReferenceStrategy Strategy { get; init; }

    /// <summary>How weights are made.</summary>
    public ReferenceWeighting Weighting { get; init; }

    /// <summary>Source of the score.</summary>
    public ReferenceScore Score { get; init; }

    /// <summary>o(layer).</summary>
    public float CountOffset { get; init; }

    /// <summary>Threshold, 0..1.</summary>
    public float Tau { get; init; } = 0.3f;

    /// <summary>Mass of the top-p strategy, 0 exclusive..1.</summary>
    public float TopP { get; init; } = 0.9f;

    /// <summary>Factor on the noise, 0 = none.</summary>
    public float NoiseFactor { get; init; }

    /// <summary>Key of the noise.</summary>
    public ulong NoiseSeed { get; init; }

    /// <summary>[T] supplied scores.</summary>
    public float[]? Scores { get; init; }

    /// <summary>[T] experts per token in place of scores.</summary>
    public int[]? Counts { get; init; }

    /// <summary>[T] threshold per token.</summary>
    public float[]? TokenTaus { get; init; }

    /// <summary>[T] position ids that key the noise; null = 0, 1, 2...</summary>
    public long[]? Positions { get; init; }

    /// <summary>[E] added to p for choosing only.</summary>
    public float[]? SelectionBias { get; init; }

    /// <summary>[E] false = not usable.</summary>
    public bool[]? Usable { get; init; }
}

/// <summary>Why the reference refuses an input.</summary>
public enum ReferenceFault
{
    /// <summary>NaN or infinity.</summary>
    NotFinite,

    /// <summary>Fewer usable experts than kmin.</summary>
    Balance,
}

/// <summary>The reference refuses an input that the product must refuse as well.</summary>
public sealed class ReferenceFaultException(ReferenceFault fault, int token)
    : Exception($"{fault} at token {token}")
{
    /// <summary>Why.</summary>
    public ReferenceFault Fault { get; } = fault;

    /// <summary>Lowest offending token.</summary>
    public int Token { get; } = token;
}
