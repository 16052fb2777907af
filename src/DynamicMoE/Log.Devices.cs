using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Devices.</content>
internal static partial class Log
{
    [LoggerMessage(EventId = 95, Level = LogLevel.Warning, Message = "A layer's device failed, the processor goes on: {Error}")]
    internal static partial void DeviceLeft(ILogger logger, string error);
}
