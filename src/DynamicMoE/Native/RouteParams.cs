namespace DynamicMoE.Native;

/// <summary>One call's routing decisions before they are pinned. Empty spans mean "not given".</summary>
internal ref struct RouteParams
{
    internal RoutingStrategy Strategy;
    internal Weighting Weighting;
    internal int MinExperts;
    internal int MaxExperts;
    internal ScoreSource ScoreSource;
    internal float CountOffset;
    internal float Tau;
    internal float TopP;
    internal float NoiseFactor;
    internal ulong NoiseSeed;

    /// <summary>Cap on the distinct experts of the batch; 0 = none.</summary>
    internal int MaxDistinct;

    internal ReadOnlySpan<float> Scores;
    internal ReadOnlySpan<int> Counts;
    internal ReadOnlySpan<float> TokenTaus;
    internal ReadOnlySpan<long> Positions;
    internal ReadOnlySpan<float> SelectionBias;
    internal ReadOnlySpan<byte> ExpertMask;
}
