using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server.Tests;

/// <summary>Keeps what was logged, for any category and level.</summary>
internal sealed class MessageLog : ILogger, ILoggerProvider
{
    private readonly ConcurrentQueue<string> _messages = new();

    public IReadOnlyList<string> Messages => [.. _messages];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _messages.Enqueue($"{formatter(state, exception)}{exception}");

    public void Dispose()
    {
    }
}
