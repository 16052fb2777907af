using System.Diagnostics;
using System.Text;

namespace DynamicMoE.ServiceTests.Support;

/// <summary>Runs programs to their end.</summary>
internal static class Programs
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    /// <summary>Runs one and checks that it ends well.</summary>
    /// <returns>What it wrote.</returns>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        (int code, string text) = await TryAsync(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: exit code {code}\n{text}");
        return text;
    }

    public static async Task<(int Code, string Text)> TryAsync(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        var text = new StringBuilder();
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, text.ToString());

        void Keep(string? line)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    public static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository.Root };
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }
}
