using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting.Tests;

/// <summary>Keeps what was logged, for any category, by any thread.</summary>
internal sealed class ListLogger : ILogger, ILoggerProvider
{
    private readonly List<string> _messages = [];

    /// <summary>What was logged so far.</summary>
    public IReadOnlyList<string> Messages
    {
        get
        {
            lock (_messages)
            {
                return [.. _messages];
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_messages)
        {
            _messages.Add(formatter(state, exception));
        }
    }

    public void Dispose()
    {
    }
}
