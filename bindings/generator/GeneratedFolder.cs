namespace DynamicMoE.BindingGenerator;

/// <summary>The folder of committed files: writes it, or says how it differs from what it should hold.</summary>
internal static class GeneratedFolder
{
    private const string Pattern = "*.g.cs";

    /// <summary>Writes the files and deletes generated files that are no longer made.</summary>
    public static void Write(string folder, IReadOnlyDictionary<string, string> files)
    {
        Directory.CreateDirectory(folder);
        foreach (string name in Leftovers(folder, files))
            File.Delete(Path.Combine(folder, name));
        foreach ((string name, string content) in files)
            File.WriteAllText(Path.Combine(folder, name), content);
    }

    /// <summary>One line per stale file, naming the first line that differs; empty when all are current.</summary>
    public static IReadOnlyList<string> Differences(string folder, IReadOnlyDictionary<string, string> files)
    {
        var differences = new List<string>();
        foreach ((string name, string content) in files)
        {
            string path = Path.Combine(folder, name);
            if (!File.Exists(path))
                differences.Add($"{name}: missing");
            else if (FirstDifference(File.ReadAllText(path), content) is { } difference)
                differences.Add($"{name}{difference}");
        }

        differences.AddRange(Leftovers(folder, files).Select(name => $"{name}: no longer generated"));
        return differences;
    }

    private static string? FirstDifference(string committed, string generated)
    {
        if (committed == generated)
            return null;
        string[] have = committed.Split('\n');
        string[] want = generated.Split('\n');
        int line = 0;
        while (line < have.Length && line < want.Length && have[line] == want[line])
            line++;
        return $"({line + 1}): committed '{At(have, line)}', generated '{At(want, line)}'";
    }

    private static string At(string[] lines, int line) =>
        line < lines.Length ? lines[line].Replace("\r", "\\r", StringComparison.Ordinal) : "end of file";

    private static string[] Leftovers(string folder, IReadOnlyDictionary<string, string> files) =>
        Directory.Exists(folder)
            ? Directory.GetFiles(folder, Pattern).Select(path => Path.GetFileName(path)!)
                .Where(name => !files.ContainsKey(name)).Order(StringComparer.Ordinal).ToArray()
            : [];
}
