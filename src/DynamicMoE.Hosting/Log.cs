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
}
