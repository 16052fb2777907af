using System.Diagnostics;

namespace PackageTest.Processes;

/// <summary>Runs a program to its end.</summary>
internal static class Command
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    /// <summary>Standard output of a program.</summary>
    /// <param name="folder">Working folder.</param>
    /// <param name="environment">Variables on top of this process's.</param>
    /// <param name="program">Name or path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="InvalidOperationException">It returned another code than 0; the message has what it wrote.</exception>
    public static async Task<string> RunAsync(string folder, IReadOnlyDictionary<string, string> environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };

        // What the test host was given says where its own SDK and projects are.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(s_patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{await output}\n{await errors}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: not finished after {s_patience}");
        }
    }
}
