using DynamicMoE.Cli.Terminal;
using DynamicMoE.Hosting;

namespace DynamicMoE.Cli.Configuration;

/// <summary>Settings and problems for people.</summary>
internal static class SettingText
{
    /// <summary>Every setting: key, value, source and range in columns.</summary>
    public static void Write(ToolConsole console, DynamicMoESettings settings)
    {
        string[][] rows =
        [
            ["setting", "value", "source", "range"],
            .. settings.List().Select(value => (string[])[value.Key, value.Value is { Length: > 0 } text ? text : "-", value.Source.ToString(), value.Allowed]),
        ];
        int[] widths = [.. Enumerable.Range(0, 3).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            console.Out.WriteLine($"{row[0].PadRight(widths[0])}  {row[1].PadRight(widths[1])}  {row[2].PadRight(widths[2])}  {row[3]}");
        }
    }

    /// <summary>What is wrong, a line each, and a sum.</summary>
    public static void Write(ToolConsole console, IReadOnlyList<SettingProblem> problems, string? file)
    {
        foreach (SettingProblem problem in problems)
        {
            console.Out.WriteLine(problem);
        }

        string sources = file is null ? "environment and command line" : $"{file}, environment and command line";
        console.Out.WriteLine(problems.Count == 0 ? $"valid: {sources}" : $"{problems.Count} {(problems.Count == 1 ? "problem" : "problems")}: {sources}");
    }
}
