namespace DynamicMoE;

/// <summary>Where two recorded runs part.</summary>
public sealed record RoutingDiffReport
{
    /// <summary>What the first run belongs to.</summary>
    public required RoutingRecordHeader First { get; init; }

    /// <summary>What the second run belongs to.</summary>
    public required RoutingRecordHeader Second { get; init; }

    /// <summary>Tokens that were compared: both runs have them, with the same id at the same position.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens of the first run that were not compared.</summary>
    public required long TokensOnlyInFirst { get; init; }

    /// <summary>Tokens of the second run that were not compared.</summary>
    public required long TokensOnlyInSecond { get; init; }

    /// <summary>Where the inputs part, or null. What follows is not compared: it is another text.</summary>
    public required InputDivergence? Input { get; init; }

    /// <summary>The earliest token, and in it the lowest layer, whose experts or their order differ; null when none does.</summary>
    public required RoutingDivergence? FirstExperts { get; init; }

    /// <summary>The earliest token, and in it the lowest layer, whose experts are the same and whose weights differ in a bit; null when none does.</summary>
    public required RoutingDivergence? FirstWeights { get; init; }

    /// <summary>Counts per layer, in the order of the header.</summary>
    public required IReadOnlyList<LayerDivergence> Layers { get; init; }

    /// <summary>Whether both runs have the same tokens and the same decisions, bit for bit.</summary>
    public bool Identical =>
        TokensOnlyInFirst == 0 && TokensOnlyInSecond == 0 && Input is null && FirstExperts is null && FirstWeights is null;
}

/// <summary>The first token that two runs do not have in common.</summary>
/// <param name="Token">Tokens of the record before it.</param>
/// <param name="FirstPosition">Position in its sequence, in the first run.</param>
/// <param name="SecondPosition">The same in the second run.</param>
/// <param name="FirstTokenId">What the first run ran.</param>
/// <param name="SecondTokenId">What the second run ran.</param>
public sealed record InputDivergence(long Token, int FirstPosition, int SecondPosition, int FirstTokenId, int SecondTokenId);

/// <summary>A token that a layer routed differently in two runs.</summary>
/// <param name="Token">Tokens of the record before it.</param>
/// <param name="Position">Position in its sequence.</param>
/// <param name="TokenId">What was run.</param>
/// <param name="Layer">Index of the decoder layer.</param>
/// <param name="FirstExperts">Experts in the first run, in falling preference.</param>
/// <param name="SecondExperts">Experts in the second run.</param>
/// <param name="FirstWeights">Their weights in the first run.</param>
/// <param name="SecondWeights">Their weights in the second run.</param>
public sealed record RoutingDivergence(
    long Token,
    int Position,
    int TokenId,
    int Layer,
    IReadOnlyList<int> FirstExperts,
    IReadOnlyList<int> SecondExperts,
    IReadOnlyList<float> FirstWeights,
    IReadOnlyList<float> SecondWeights);

/// <summary>Differences of one layer.</summary>
/// <param name="Layer">Index of the decoder layer.</param>
/// <param name="ExpertsDiffer">Tokens whose experts or their order differ.</param>
/// <param name="WeightsDiffer">Tokens with the same experts and weights that differ in a bit.</param>
/// <param name="LargestWeightDifference">Largest difference of a weight among those; 0 without any.</param>
/// <param name="FirstRoutes">Routes of the compared tokens in the first run.</param>
/// <param name="SecondRoutes">Routes of the compared tokens in the second run.</param>
public sealed record LayerDivergence(
    int Layer, long ExpertsDiffer, long WeightsDiffer, double LargestWeightDifference, long FirstRoutes, long SecondRoutes);
