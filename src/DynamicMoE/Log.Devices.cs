using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Devices.</content>
internal static partial class Log
{
    [LoggerMessage(EventId = 98, Level = LogLevel.Warning, Message = "A layer's device failed, the processor goes on: {Error}")]
    internal static partial void DeviceLeft(ILogger logger, string error);

    [LoggerMessage(EventId = 99, Level = LogLevel.Warning, Message = "A layer asked for the device {Device} is on the processor: {Reason}")]
    internal static partial void DeviceNotTaken(ILogger logger, ComputeDevice device, string reason);
}
