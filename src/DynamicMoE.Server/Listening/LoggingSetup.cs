using DynamicMoE.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace DynamicMoE.Server;

/// <summary>The log on the console's error stream.</summary>
internal static class LoggingSetup
{
    private const string Timestamp = "yyyy-MM-ddTHH:mm:ss.fffZ ";

    public static void Apply(ILoggingBuilder logging, LogFormat format)
    {
        logging.SetMinimumLevel(LogLevel.Information);
        // Per request ASP.NET Core writes several lines, with what callers sent in them.
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("System", LogLevel.Warning);
        // A probe that says no is an answer: at every start there are some, and who asks decides what it means.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        if (format == LogFormat.Json)
        {
            logging.AddJsonConsole(options => (options.UseUtcTimestamp, options.TimestampFormat) = (true, Timestamp.TrimEnd()));
        }
        else
        {
            logging.AddSimpleConsole(options => (options.UseUtcTimestamp, options.TimestampFormat, options.SingleLine) = (true, Timestamp, true));
        }

        logging.Services.PostConfigure<ConsoleLoggerOptions>(options =>
        {
            options.LogToStandardErrorThreshold = LogLevel.Trace;
            // Under systemd a form of its own would win.
            options.FormatterName = format == LogFormat.Json ? ConsoleFormatterNames.Json : options.FormatterName;
        });
    }
}
