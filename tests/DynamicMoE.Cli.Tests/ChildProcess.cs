using System.Diagnostics;
using Xunit;

namespace DynamicMoE.Cli.Tests;

/// <summary>A program that a test starts. Every wait for it has a deadline, after which the test fails by name; it is gone once this is disposed.</summary>
internal sealed class ChildProcess : IDisposable
{
    // Far above what a child takes on a busy machine, and below the time after which a test host without news is ended.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly TimeSpan _deadline;
    private readonly Process _process;

    private ChildProcess(TimeSpan deadline, string program, IEnumerable<string> arguments, Action<ProcessStartInfo>? change)
    {
        _deadline = deadline;
        Name = string.Join(' ', [program, .. arguments]);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        change?.Invoke(start);
        _process = Process.Start(start)!;
    }

    public int ExitCode => _process.ExitCode;

    public bool HasExited => _process.HasExited;

    private string Name { get; }

    /// <summary>Starts the built tool. Ctrl-C reaches it even where it does not reach the tests: a shell starts what runs in the background, and
    /// <c>nohup</c> what it runs, with SIGINT ignored, and a child inherits that.</summary>
    public static ChildProcess Tool(params string[] arguments) => Tool(null, arguments);

    /// <param name="change">Changes how it is started, or null.</param>
    /// <param name="arguments">Of the tool.</param>
    public static ChildProcess Tool(Action<ProcessStartInfo>? change, params string[] arguments) => new(
        Deadline, "env", ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, "dmoe.dll"), .. arguments], change);

    /// <summary>Starts a program.</summary>
    public static ChildProcess Start(TimeSpan deadline, string program, params string[] arguments) => new(deadline, program, arguments, null);

    /// <summary>Runs a program that must succeed.</summary>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        using ChildProcess child = Start(Deadline, program, arguments);
        await child.ExitAsync();
        Assert.Equal(0, child.ExitCode);
    }

    /// <summary>Sends it what Ctrl-C sends.</summary>
    public Task InterruptAsync() => SignalAsync("-INT");

    /// <summary>Sends it a signal.</summary>
    /// <param name="signal">As <c>kill</c> takes it.</param>
    public Task SignalAsync(string signal) => RunAsync("kill", signal, $"{_process.Id}");

    /// <summary>The next line of its output; empty after the last.</summary>
    public async Task<string> LineAsync() => await WithinAsync(_process.StandardOutput.ReadLineAsync()) ?? "";

    /// <summary>First character of what it writes.</summary>
    public async Task<string> FirstAsync()
    {
        var first = new char[1];
        int count = await WithinAsync(_process.StandardOutput.ReadAsync(first, 0, 1));
        return new string(first, 0, count);
    }

    /// <summary>Everything that it writes to its output, or what is left of it.</summary>
    public Task<string> OutputAsync() => WithinAsync(_process.StandardOutput.ReadToEndAsync());

    /// <summary>Everything that it writes to its error stream.</summary>
    public Task<string> ErrorAsync() => WithinAsync(_process.StandardError.ReadToEndAsync());

    /// <summary>Waits for something that it does while it runs.</summary>
    public async Task UntilAsync(Func<bool> done)
    {
        using var over = new CancellationTokenSource(_deadline);
        while (!done())
        {
            Assert.False(_process.HasExited, $"{Name} ended before that.");
            Assert.False(over.IsCancellationRequested, $"{Name} did not do it within {_deadline}.");
            await Task.Delay(10);
        }
    }

    /// <summary>Waits for its end.</summary>
    public Task ExitAsync() => WithinAsync(WaitAsync());

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task<bool> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return true;
    }

    private async Task<T> WithinAsync<T>(Task<T> work)
    {
        try
        {
            return await work.WaitAsync(_deadline);
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            throw new TimeoutException($"{Name} (process {_process.Id}) was not done after {_deadline}, and was killed.");
        }
    }
}
