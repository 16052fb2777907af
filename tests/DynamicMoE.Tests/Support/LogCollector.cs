using Microsoft.Extensions.Logging;

namespace DynamicMoE.Tests.Support;

/// <summary>Keeps what is logged.</summary>
internal sealed class LogCollector : ILogger
{
    private readonly List<(LogLevel Level, string Text)> _entries = [];

    public IReadOnlyList<string> Warnings => Texts(LogLevel.Warning);

    public IReadOnlyList<string> Informations => Texts(LogLevel.Information);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_entries)
        {
            _entries.Add((logLevel, formatter(state, exception)));
        }
    }

    private List<string> Texts(LogLevel level)
    {
        lock (_entries)
        {
            return [.. _entries.Where(entry => entry.Level == level).Select(entry => entry.Text)];
        }
    }
}
