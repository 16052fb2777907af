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
}
