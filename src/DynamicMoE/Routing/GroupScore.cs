namespace DynamicMoE;

/// <summary>Ranks groups of experts when a gate has more than one.</summary>
public enum GroupScore
{
    /// <summary>The best expert of the group (DeepSeek-V2).</summary>
    Max = 0,

    /// <summary>The sum of the two best experts of the group (DeepSeek-V3).</summary>
    Top2Sum = 1,
}
