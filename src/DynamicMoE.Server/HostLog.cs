using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>Messages of listeners, keys, certificates and limits. None holds a key, a header or a body. Event ids are never reused, those of <see cref="Log"/> neither.</summary>
internal static partial class HostLog
{
    internal const string Category = "DynamicMoE.Server";

    [LoggerMessage(EventId = 300, Level = LogLevel.Information, Message = "API on {Api}, health on {Health}, metrics on {Metrics}.")]
    internal static partial void Listening(ILogger logger, Uri api, Uri health, Uri metrics);

    [LoggerMessage(EventId = 301, Level = LogLevel.Warning, Message = "The API is bound to {Address} without a key, without TLS or without both, as server.insecure says.")]
    internal static partial void Insecure(ILogger logger, System.Net.IPAddress address);

    [LoggerMessage(EventId = 310, Level = LogLevel.Information, Message = "{Count} API keys read from {Path}.")]
    internal static partial void KeysRead(ILogger logger, int count, string path);

    [LoggerMessage(EventId = 311, Level = LogLevel.Information, Message = "The changed API keys of {Path} are in force.")]
    internal static partial void KeysTaken(ILogger logger, string path);

    [LoggerMessage(EventId = 312, Level = LogLevel.Error, Message = "The changed API keys of {Path} are refused, those before stay in force: {Reason}")]
    internal static partial void KeysRefused(ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 320, Level = LogLevel.Information, Message = "New connections get the certificate {Thumbprint}, valid until {NotAfter:u}.")]
    internal static partial void CertificateTaken(ILogger logger, string thumbprint, DateTime notAfter);

    [LoggerMessage(EventId = 321, Level = LogLevel.Error, Message = "The changed certificate is refused, the one before stays in force: {Reason}")]
    internal static partial void CertificateRefused(ILogger logger, string reason);

    [LoggerMessage(EventId = 322, Level = LogLevel.Warning, Message = "The time of the certificate {Path} ended at {NotAfter:u}.")]
    internal static partial void CertificateExpired(ILogger logger, string path, DateTime notAfter);

    [LoggerMessage(EventId = 330, Level = LogLevel.Warning, Message = "More addresses than the rate limiter keeps apart: new ones share one limit.")]
    internal static partial void LimiterFull(ILogger logger);
}
