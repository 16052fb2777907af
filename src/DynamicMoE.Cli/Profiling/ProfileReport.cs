using DynamicMoE.Cli.Evaluation;

namespace DynamicMoE.Cli.Profiling;

/// <summary>What <c>dmoe profile</c> found.</summary>
/// <param name="Model">Model and text.</param>
/// <param name="Machine">Where.</param>
/// <param name="Limits">What the machine does at most; null when it was not measured.</param>
/// <param name="Routing">Name of the rule.</param>
/// <param name="Summary">All layers together.</param>
/// <param name="Profiles">For each layer its routing alone, then the whole layer.</param>
internal sealed record ProfileReport(
    ProfiledModelInfo Model, EvaluationMachineInfo Machine, MachineLimits? Limits, string Routing, FlopSummary Summary, IReadOnlyList<FlopProfile> Profiles);

/// <summary>What <c>dmoe compare</c> found.</summary>
/// <param name="Model">Model and text.</param>
/// <param name="Machine">Where.</param>
/// <param name="Limits">What the machine does at most; null when it was not measured.</param>
/// <param name="Totals">All layers together.</param>
/// <param name="Results">Layer by layer.</param>
internal sealed record CompareReport(
    ProfiledModelInfo Model,
    EvaluationMachineInfo Machine,
    MachineLimits? Limits,
    IReadOnlyList<ComparisonTotal> Totals,
    IReadOnlyList<StrategyComparison> Results);
