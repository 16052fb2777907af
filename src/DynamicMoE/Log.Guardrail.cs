using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Experts out of service and the guardrail: ids 40 to 49.</content>
internal static partial class Log
{
    [LoggerMessage(EventId = 40, Level = LogLevel.Warning,
        Message = "Expert {Expert} is out of service from the next batch on ({Reason}); {Left} of {Experts} experts are left.")]
    internal static partial void ExpertDisabled(ILogger logger, int expert, string reason, int left, int experts);

    [LoggerMessage(EventId = 41, Level = LogLevel.Information, Message = "Expert {Expert} is back in service; {Left} of {Experts} experts are usable.")]
    internal static partial void ExpertEnabled(ILogger logger, int expert, int left, int experts);

    [LoggerMessage(EventId = 42, Level = LogLevel.Warning,
        Message = "Drift of {Source} is {Mean:F3}, above {Limit:F3}: the guardrail raises the budget floor to {Floor:F3} experts per token.")]
    internal static partial void GuardrailRaised(ILogger logger, double floor, string source, double mean, double limit);

    [LoggerMessage(EventId = 43, Level = LogLevel.Information,
        Message = "Drift stayed calm over {Windows} windows: the guardrail lowers the budget floor to {Floor:F3} experts per token.")]
    internal static partial void GuardrailLowered(ILogger logger, double floor, int windows);

    [LoggerMessage(EventId = 44, Level = LogLevel.Warning,
        Message = "Drift of {Source} is {Mean:F3}, above {Limit:F3}, and the guardrail cannot raise the budget: {Reason}.")]
    internal static partial void GuardrailStuck(ILogger logger, string source, double mean, double limit, string reason);

    [LoggerMessage(EventId = 45, Level = LogLevel.Warning,
        Message = "A shadow run of layer '{Layer}' failed; further failures are counted only.")]
    internal static partial void ShadowFailed(ILogger logger, Exception error, string layer);
}
