using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Caches: ids 60 to 69.</content>
internal static partial class Log
{
    [LoggerMessage(EventId = 60, Level = LogLevel.Information,
        Message = "The row cache pays: a row takes {Cached:F0} ns with it and {Plain:F0} ns without, at a hit rate of {HitRate:F2}.")]
    internal static partial void CachePays(ILogger logger, double plain, double cached, double hitRate);

    [LoggerMessage(EventId = 61, Level = LogLevel.Information,
        Message = "The row cache does not pay: a row takes {Cached:F0} ns with it and {Plain:F0} ns without, at a hit rate of {HitRate:F2}.")]
    internal static partial void CacheDoesNotPay(ILogger logger, double plain, double cached, double hitRate);
}
