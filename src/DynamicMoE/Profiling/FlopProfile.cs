namespace DynamicMoE;

/// <summary>One profiled batch.</summary>
public sealed record FlopProfile
{
    /// <summary>Value of <see cref="Kind"/>: routing alone.</summary>
    public const string Routing = "routing";

    /// <summary>Value of <see cref="Kind"/>: a whole layer.</summary>
    public const string Layer = "layer";

    /// <summary>The caller's name for it.</summary>
    public required string Name { get; init; }

    /// <summary>What was run: <see cref="Routing"/> or <see cref="Layer"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Tokens of the batch.</summary>
    public required long Tokens { get; init; }

    /// <summary>Sum of experts over tokens in the plan that is counted, that of the last repetition.</summary>
    public required long Routes { get; init; }

    /// <summary>Experts with at least one route.</summary>
    public required int DistinctExperts { get; init; }

    /// <summary>Parts of the work, in the order in which they run.</summary>
    public required IReadOnlyList<ComponentCost> Components { get; init; }

    /// <summary>Experts with at least one route, by id; empty for routing alone.</summary>
    public required IReadOnlyList<ExpertCost> Experts { get; init; }

    /// <summary>Operations of matrix products, all parts together.</summary>
    public required long ProductFlops { get; init; }

    /// <summary>Other operations, all parts together.</summary>
    public required long OtherFlops { get; init; }

    /// <summary>Bytes of weights, all parts together.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Matrix products of the same batch if every token had the trained number of experts; null for routing alone.</summary>
    public required long? StaticProductFlops { get; init; }

    /// <summary>1 - <see cref="ProductFlops"/> / <see cref="StaticProductFlops"/>: negative when more experts ran than were trained; null for routing alone.</summary>
    public required double? FlopsSaving { get; init; }

    /// <summary>Time of a call.</summary>
    public required ProfileTiming Timing { get; init; }

    /// <summary>The time beside the machine's limits; null when the profiler was given none.</summary>
    public required LimitShare? Limit { get; init; }

    /// <summary>Mean experts per token.</summary>
    public double MeanExpertsPerToken => (double)Routes / Tokens;
}
