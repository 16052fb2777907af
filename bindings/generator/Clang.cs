using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace DynamicMoE.BindingGenerator;

/// <summary>Finds a clang and runs it.</summary>
internal static partial class Clang
{
    private const int OldestMajor = 14;
    private const int NewestMajor = 21;

    /// <summary>Dumps the AST of a C header as JSON.</summary>
    public static string DumpAst(string header) =>
        Run(Find(), "-Xclang", "-ast-dump=json", "-fsyntax-only", "-x", "c", "-std=c11", "-fparse-all-comments", header)
        ?? throw new GeneratorException("clang disappeared while it was used");

    /// <summary>First usable of <c>$DMOE_CLANG</c>, <c>clang</c>, <c>clang-14</c> .. <c>clang-21</c>.</summary>
    private static string Find()
    {
        string? chosen = Environment.GetEnvironmentVariable("DMOE_CLANG");
        List<string> tried = [];
        foreach (string candidate in Candidates(chosen))
        {
            string? version = Run(candidate, "--version");
            if (version is null)
            {
                tried.Add($"{candidate}: not found");
                continue;
            }

            Match match = MajorVersion().Match(version);
            if (match.Success && int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) >= OldestMajor)
                return candidate;
            tried.Add($"{candidate}: older than {OldestMajor}");
        }

        throw new GeneratorException($"no clang >= {OldestMajor}; install one or set DMOE_CLANG. Tried: {string.Join("; ", tried)}");
    }

    /// <summary>A compiler that the caller chose is the only one tried.</summary>
    private static IEnumerable<string> Candidates(string? chosen) =>
        string.IsNullOrEmpty(chosen)
            ? Enumerable.Range(OldestMajor, NewestMajor - OldestMajor + 1).Select(v => $"clang-{v}").Prepend("clang")
            : [chosen];

    /// <summary>Standard output of a program, or null when there is no such program.</summary>
    private static string? Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new GeneratorException($"{program} failed with exit code {process.ExitCode}:\n{errors.Result.TrimEnd()}");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"version (\d+)\.")]
    private static partial Regex MajorVersion();
}
