using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Profiling;

/// <summary>Layers over a model's weights that route by a rule.</summary>
internal static class LayerRules
{
    /// <summary>Makes a layer. A dynamic one holds its budget by itself, from the calibration on.</summary>
    public static RoutedLayer Build(MoEBlock block, RoutingRule rule, CalibrationTable? calibration) => block.Build(rule.Budget is { } budget
        ? new DynamicRouterOptions
        {
            Strategy = RoutingStrategy.Threshold,
            MaxExperts = rule.Experts,
            MeanExpertsBudget = budget,
            Weighting = block.Config.Weighting,
            Calibration = calibration!.Find(block.Layer),
        }
        : new DynamicRouterOptions
        {
            MinExperts = rule.Experts,
            MaxExperts = rule.Experts,
            Weighting = block.Config.Weighting,
            ComplexityEstimator = ComplexityEstimators.RouterMargin,
        });
}
