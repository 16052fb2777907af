using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>Where a sweep's results go.</summary>
internal static class SweepOutput
{
    private const string Name = "routing";

    /// <summary>Makes the folder and sees that files can be written into it, before a run of minutes.</summary>
    /// <exception cref="ToolException">They cannot.</exception>
    public static void Prepare(string? folder)
    {
        if (folder is null)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(folder);
            string probe = Path.Combine(folder, $".{Name}.{Path.GetRandomFileName()}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
                // Being able to make it is all.
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"--out '{folder}' is no folder that can be written to: {error.Message}");
        }
    }

    /// <summary>Writes JSON or tables to the console, and the report to a folder when there is one.</summary>
    public static void Write(ToolConsole console, SweepReport report, bool json, string? folder)
    {
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, $"{Name}.json"), ToolJson.Of(report) + "\n");
            File.WriteAllText(Path.Combine(folder, $"{Name}.md"), new SweepMarkdown(report).Text($"{Name}.png"));
            SweepPlot.Save(Path.Combine(folder, $"{Name}.png"), report);
        }

        if (json)
        {
            console.Out.WriteLine(ToolJson.Of(report));
        }
        else
        {
            SweepTable.Write(console, report);
        }
    }
}
