using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Every message of the library. Event ids are never reused.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information,
        Message = "The router uses the default estimator gradient_norm; router_margin measured better at equal mean experts per token. Set ComplexityEstimator to choose.")]
    internal static partial void DefaultEstimator(ILogger logger);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning,
        Message = "MaxExperts ({MaxExperts}) exceeds the {TrainedExperts} experts per token that the gate was trained with; experts beyond the trained count measured no gain.")]
    internal static partial void MoreThanTrained(ILogger logger, int maxExperts, int trainedExperts);

    [LoggerMessage(EventId = 20, Level = LogLevel.Warning,
        Message = "The guardrail asks for at least {Floor} experts per token; the ceiling of {Ceiling} ({Decider}) is below it and wins.")]
    internal static partial void GuardrailOverridden(ILogger logger, double floor, double ceiling, BudgetDecider decider);

    [LoggerMessage(EventId = 21, Level = LogLevel.Warning,
        Message = "Layer {Layer}: no threshold gives the budget of {Budget} experts per token; the nearest reachable mean, {Reachable}, is held.")]
    internal static partial void BudgetUnattainable(ILogger logger, int layer, double budget, double reachable);

    [LoggerMessage(EventId = 22, Level = LogLevel.Warning,
        Message = "Layer {Layer}: the budget of {Budget} experts per token has been missed for 200 batches; the realised mean is {Realised}.")]
    internal static partial void BudgetMissed(ILogger logger, int layer, double budget, double realised);

    [LoggerMessage(EventId = 23, Level = LogLevel.Information,
        Message = "Layer {Layer}: the budget of {Budget} experts per token is held; the realised mean is {Realised}.")]
    internal static partial void BudgetHeld(ILogger logger, int layer, double budget, double realised);
}
