using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Monitored routers: ids 80 to 89.</content>
internal static partial class Log
{
    [LoggerMessage(EventId = 80, Level = LogLevel.Warning,
        Message = "Router '{Router}': the circuit breaker is open; batches get {Fallback} until the router is tried again.")]
    internal static partial void BreakerOpened(ILogger logger, Exception? error, string router, BreakerFallback fallback);

    [LoggerMessage(EventId = 81, Level = LogLevel.Information, Message = "Router '{Router}': the circuit breaker is half-open; one batch tries the router.")]
    internal static partial void BreakerHalfOpened(ILogger logger, string router);

    [LoggerMessage(EventId = 82, Level = LogLevel.Information, Message = "Router '{Router}': the circuit breaker is closed.")]
    internal static partial void BreakerClosed(ILogger logger, string router);

    [LoggerMessage(EventId = 83, Level = LogLevel.Warning, Message = "Router '{Router}': {Alert} is {Value}, above {Limit}.")]
    internal static partial void AlertRaised(ILogger logger, string router, string alert, double value, double limit);

    [LoggerMessage(EventId = 84, Level = LogLevel.Information, Message = "Router '{Router}': {Alert} is {Value}; the alert at {Limit} is over.")]
    internal static partial void AlertResolved(ILogger logger, string router, string alert, double value, double limit);

    [LoggerMessage(EventId = 85, Level = LogLevel.Warning, Message = "The alert {Alert} of router '{Router}' was not taken by the webhook at {Host}: {Reason}.")]
    internal static partial void WebhookFailed(ILogger logger, string alert, string router, string host, string reason);

    [LoggerMessage(EventId = 86, Level = LogLevel.Warning,
        Message = "The alert {Alert} of router '{Router}' was dropped: more than {Capacity} waited, or the router was disposed. Further ones are counted only.")]
    internal static partial void WebhookDropped(ILogger logger, string alert, string router, int capacity);

    [LoggerMessage(EventId = 87, Level = LogLevel.Warning, Message = "A check or a handler of alerts of router '{Router}' failed.")]
    internal static partial void AlertingFailed(ILogger logger, Exception error, string router);
}
