using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>Every message of the API. Event ids are never reused, those of <see cref="HostLog"/> neither.</summary>
internal static partial class Log
{
    internal const string Category = "DynamicMoE.Server.Api";

    [LoggerMessage(EventId = 340, Level = LogLevel.Error, Message = "{Method} {Endpoint} failed (request {RequestId}).")]
    internal static partial void RequestFailed(ILogger logger, string method, string endpoint, string requestId, Exception error);

    [LoggerMessage(EventId = 341, Level = LogLevel.Warning, Message = "An admin request could not load a model; the one before is served on.")]
    internal static partial void ReloadRefused(ILogger logger, Exception error);

    [LoggerMessage(EventId = 342, Level = LogLevel.Information, Message = "Admin request: {Action}.")]
    internal static partial void AdminAction(ILogger logger, string action);
}
