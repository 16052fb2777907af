namespace DynamicMoE;

/// <summary>What a layer did since it was built.</summary>
/// <param name="TotalForwardCalls">Forward passes.</param>
/// <param name="TotalTokens">Tokens in them.</param>
/// <param name="TotalExpertCalls">Rows that routed experts computed: one per token and expert.</param>
/// <param name="AvgExpertsPerForward">Mean number of distinct experts that a forward pass ran.</param>
/// <param name="MeanExpertsPerToken">Mean experts per token.</param>
/// <param name="ComputationalEfficiency">1 - realised FLOPs / FLOPs of static routing at the trained count (gate, routed and shared experts;
/// managed experts: routes alone). Negative when more experts ran than were trained. 0 before the first pass.</param>
/// <param name="OverflowRoutes">Routes over an expert's capacity.</param>
/// <param name="DroppedRoutes">Routes dropped.</param>
/// <param name="RouterStats">Usage of experts over the life of the router.</param>
public sealed record PerformanceSummary(
    long TotalForwardCalls,
    long TotalTokens,
    long TotalExpertCalls,
    double AvgExpertsPerForward,
    double MeanExpertsPerToken,
    double ComputationalEfficiency,
    long OverflowRoutes,
    long DroppedRoutes,
    ExpertUsageStats RouterStats);
