namespace DynamicMoE;

/// <summary>How a batch was routed, beside the decisions themselves.</summary>
/// <param name="Report">Figures of the batch.</param>
/// <param name="Strategy">When selection stopped.</param>
/// <param name="Weighting">How weights were made.</param>
/// <param name="EstimatorName">Name of the estimator behind the complexity scores.</param>
/// <param name="Tau">Threshold in force for the batch; 0 when the strategy has none.</param>
/// <param name="MeanComplexity">Mean complexity score.</param>
/// <param name="BatchWideRule">Whether a rule that looks at the whole batch applied, so that a token's result depends on its neighbours.</param>
public sealed record RoutingInfo(
    RoutingReport Report,
    RoutingStrategy Strategy,
    Weighting Weighting,
    string EstimatorName,
    float Tau,
    double MeanComplexity,
    bool BatchWideRule);
