namespace DynamicMoE;

/// <summary>Joins a value over attention heads.</summary>
public enum HeadAggregation
{
    /// <summary>Arithmetic mean.</summary>
    Mean = 0,

    /// <summary>Largest.</summary>
    Max = 1,

    /// <summary>Smallest.</summary>
    Min = 2,
}
