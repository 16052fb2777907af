namespace DynamicMoE;

/// <summary>A budget that a guardrail holds up.</summary>
internal interface IBudgetFloor
{
    /// <summary>Mean experts per token without the floor.</summary>
    double Base { get; }

    /// <summary>Most experts of a token: no floor lies above.</summary>
    double Highest { get; }

    /// <summary>Sets the least mean experts per token from the next batch on; null = no floor.</summary>
    void SetFloor(double? floor);
}
