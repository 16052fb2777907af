using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>Every message of this package. Event ids are never reused.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "{Key} is now {To} instead of {From} ({Source}).")]
    internal static partial void SettingTaken(ILogger logger, string key, string? from, string? to, SettingSource source);

    [LoggerMessage(EventId = 101, Level = LogLevel.Warning, Message = "{Key} stays {From}: {To} ({Source}) takes effect after a restart.")]
    internal static partial void SettingWaits(ILogger logger, string key, string? from, string? to, SettingSource source);

    [LoggerMessage(EventId = 102, Level = LogLevel.Error, Message = "The changed settings are refused, those before stay in force:\n{Problems}")]
    internal static partial void ReloadRefused(ILogger logger, string problems);

    [LoggerMessage(EventId = 103, Level = LogLevel.Error, Message = "What follows a change of settings failed.")]
    internal static partial void ListenerFailed(ILogger logger, Exception error);

    [LoggerMessage(EventId = 110, Level = LogLevel.Information, Message = "Serving {Model}: {Layers} layers with experts, generates: {Generates}.")]
    internal static partial void Serving(ILogger logger, string model, int layers, bool generates);

    [LoggerMessage(EventId = 111, Level = LogLevel.Critical, Message = "Nothing can be served.")]
    internal static partial void LoadFailed(ILogger logger, Exception error);

    [LoggerMessage(EventId = 112, Level = LogLevel.Error, Message = "{Path} could not be loaded, the model before is served on.")]
    internal static partial void ReloadFailed(ILogger logger, string path, Exception error);

    [LoggerMessage(EventId = 113, Level = LogLevel.Information,
        Message = "Stopped: {Accepted} requests accepted, {Answered} answered, {Failed} failed, {Cancelled} cancelled, {Rejected} rejected.")]
    internal static partial void Stopped(ILogger logger, long accepted, long answered, long failed, long cancelled, long rejected);

    [LoggerMessage(EventId = 114, Level = LogLevel.Warning, Message = "The thresholds could not be kept in {Path}.")]
    internal static partial void StateNotKept(ILogger logger, string path, Exception error);

    [LoggerMessage(EventId = 115, Level = LogLevel.Warning, Message = "The thresholds in {Path} cannot be used; they are found anew.")]
    internal static partial void StateNotRestored(ILogger logger, string path, Exception error);

    [LoggerMessage(EventId = 116, Level = LogLevel.Information, Message = "The thresholds of {Path} are in force.")]
    internal static partial void StateRestored(ILogger logger, string path);

    [LoggerMessage(EventId = 117, Level = LogLevel.Critical, Message = "The engine ended by an error of its own; requests are refused.")]
    internal static partial void EngineFailed(ILogger logger, Exception error);
}
