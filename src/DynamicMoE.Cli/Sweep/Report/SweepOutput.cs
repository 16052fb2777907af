using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>Where a sweep's results go.</summary>
internal static class SweepOutput
{
    private const string Name = "routing";

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
