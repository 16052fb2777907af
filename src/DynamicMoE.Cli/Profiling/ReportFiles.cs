namespace DynamicMoE.Cli.Profiling;

/// <summary>Reports as files.</summary>
internal static class ReportFiles
{
    /// <summary>Writes JSON and page, which writes its charts beside itself; nothing without a folder.</summary>
    public static void Write(string? folder, string name, Func<string> json, Func<string> page)
    {
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, $"{name}.json"), json() + "\n");
            File.WriteAllText(Path.Combine(folder, $"{name}.md"), page());
        }
    }
}
