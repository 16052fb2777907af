using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Autoscalers: ids 70 to 79.</content>
internal static partial class Log
{
    [LoggerMessage(EventId = 70, Level = LogLevel.Information,
        Message = "{Action}: calls may use {Workers} threads, {Offset:F2} experts per token are proposed to the budget. P95 {Milliseconds:F3} ms, {Queue:F1} calls waiting, utilization {Utilization:F2}.")]
    internal static partial void Scaled(ILogger logger, ScalingAction action, int workers, double offset, double milliseconds, double queue, double utilization);
}
