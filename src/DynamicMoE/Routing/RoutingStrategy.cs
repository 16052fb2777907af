namespace DynamicMoE;

/// <summary>When the selection of experts for a token stops. The first MinExperts are always taken, never more than MaxExperts.</summary>
public enum RoutingStrategy
{
    /// <summary>After k experts, k = round(MinExperts + (MaxExperts - MinExperts) * score).</summary>
    TopK = 0,

    /// <summary>Before the first expert whose probability is below tau times that of the first choice. No score is involved.</summary>
    Threshold = 1,

    /// <summary>Once the taken experts hold the share TopP of all probability. No score is involved.</summary>
    TopP = 2,
}
