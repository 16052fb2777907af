namespace DynamicMoE;

/// <summary>One of the ways of routing that <see cref="ComparisonProfiler"/> compares.</summary>
/// <param name="Name">Name in the report, for instance "static top-2".</param>
/// <param name="Layer">A layer over the same gate and the same experts as the other candidates'; not owned.</param>
public sealed record RoutingCandidate(string Name, MoELayer Layer);
