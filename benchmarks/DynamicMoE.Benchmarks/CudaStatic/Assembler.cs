using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace DynamicMoE.Benchmarks.CudaStatic;

/// <summary>Runs ptxas and nvdisasm on a PTX file and reads what they print.</summary>
internal static partial class Assembler
{
    private static readonly string[] Counted = ["BAR", "HMMA", "LDG", "LDGSTS", "LDL", "LDS", "LDSM", "MUFU", "REDUX", "SHFL", "STG", "STL", "STS"];

    /// <summary>Assembles a file for an architecture.</summary>
    /// <returns>Its kernels by name.</returns>
    /// <exception cref="InvalidDataException">The PTX calls a function that it does not hold, or the assembler refuses it; its words.</exception>
    internal static Dictionary<string, KernelReport> Run(string ptxas, string nvdisasm, string file, string architecture)
    {
        string text = File.ReadAllText(file);
        if (ExternalFunction().Match(text) is { Success: true } call)
        {
            throw new InvalidDataException($"{file}: {call.Value}: no such function on a device");
        }

        string cubin = Path.Combine(Path.GetTempPath(), $"{Path.GetRandomFileName()}.cubin");
        try
        {
            string said = Output(ptxas, "-v", $"-arch={architecture}", file, "-o", cubin);
            Dictionary<string, SortedDictionary<string, int>> instructions = Instructions(Output(nvdisasm, "-c", cubin));
            Dictionary<string, int> threads = EntryThreads().Matches(text).ToDictionary(m => m.Groups[1].Value, m => Number(m.Groups[2]));
            return Entry().Matches(said).ToDictionary(
                m => m.Groups["name"].Value,
                m => new KernelReport
                {
                    Threads = threads[m.Groups["name"].Value],
                    Registers = Number(m.Groups["registers"]),
                    Shared = Number(m.Groups["shared"]),
                    Spills = Number(m.Groups["stores"]) + Number(m.Groups["loads"]),
                    Instructions = instructions[m.Groups["name"].Value],
                });
        }
        finally
        {
            File.Delete(cubin);
        }
    }

    private static Dictionary<string, SortedDictionary<string, int>> Instructions(string disassembly)
    {
        var all = new Dictionary<string, SortedDictionary<string, int>>();
        SortedDictionary<string, int>? current = null;
        foreach (string line in disassembly.Split('\n'))
        {
            if (Section().Match(line) is { Success: true } section)
            {
                all[section.Groups[1].Value] = current = new SortedDictionary<string, int>(StringComparer.Ordinal);
            }
            else if (current is not null && Instruction().Match(line) is { Success: true } found && Counted.Contains(found.Groups[1].Value))
            {
                current[found.Groups[1].Value] = current.GetValueOrDefault(found.Groups[1].Value) + 1;
            }
        }

        return all;
    }

    private static string Output(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        output += error.Result;
        return process.ExitCode == 0 ? output : throw new InvalidDataException($"{program} {string.Join(' ', arguments)}: {output.Trim()}");
    }

    private static int Number(Group group) => group.Success ? int.Parse(group.Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"\.extern\s+\.func[^;]*")]
    private static partial Regex ExternalFunction();

    [GeneratedRegex(@"\.entry\s+(\w+)\s*\([^)]*\)[^{]*?\.maxntid\s+(\d+)")]
    private static partial Regex EntryThreads();

    [GeneratedRegex(
        @"entry function '(?<name>\w+)'.*?(?<stores>\d+) bytes spill stores, (?<loads>\d+) bytes spill loads.*?Used (?<registers>\d+) registers(?:[^\n]*?(?<shared>\d+) bytes smem)?",
        RegexOptions.Singleline)]
    private static partial Regex Entry();

    [GeneratedRegex(@"\.section\s+\.text\.(\w+)")]
    private static partial Regex Section();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)")]
    private static partial Regex Instruction();
}
