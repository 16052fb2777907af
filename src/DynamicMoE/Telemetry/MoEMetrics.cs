namespace DynamicMoE;

/// <summary>Names of the meter and its instruments. Labels are bounded: none holds an expert or a token; <c>layer</c> holds the name that a guardrail was
/// given, or nothing.</summary>
public static partial class MoEMetrics
{
    /// <summary>The meter.</summary>
    public const string MeterName = "DynamicMoE";

    /// <summary>Counter, <c>{expert}</c>: experts taken out of service because they failed.</summary>
    public const string ExpertFaults = "dynamicmoe.expert.faults";

    /// <summary>Histogram, unit 1, label <c>layer</c>: relative L2 error of a layer's output against the trained number of experts, per sampled token.</summary>
    public const string Drift = "dynamicmoe.guardrail.drift";

    /// <summary>Histogram, nats: Kullback-Leibler divergence of next-token distributions from those at the trained number of experts, per sampled position.</summary>
    public const string Divergence = "dynamicmoe.guardrail.divergence";

    /// <summary>Counter, <c>{token}</c>, label <c>layer</c>: samples that found the queue full.</summary>
    public const string Dropped = "dynamicmoe.guardrail.dropped";

    /// <summary>Counter, <c>{change}</c>, labels <c>layer</c> and <c>direction</c> (raised, lowered): moves of the budget floor.</summary>
    public const string FloorChanges = "dynamicmoe.guardrail.floor_changes";
}
