namespace DynamicMoE;

/// <summary>The input that a budget decision came from.</summary>
public enum BudgetDecider
{
    /// <summary>The budget of the layers: the configured mean and what was proposed to it.</summary>
    Layer = 0,

    /// <summary>The budget of the request.</summary>
    Request = 1,

    /// <summary>The guardrail's floor.</summary>
    Guardrail = 2,

    /// <summary>The latency controller's ceiling.</summary>
    Latency = 3,

    /// <summary>The overload ceiling.</summary>
    Overload = 4,

    /// <summary>MinExperts: what was asked for is less.</summary>
    Minimum = 5,

    /// <summary>MaxExperts: what was asked for is more.</summary>
    Maximum = 6,
}
