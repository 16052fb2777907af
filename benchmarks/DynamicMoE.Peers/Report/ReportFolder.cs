using DynamicMoE.Peers.Results;

namespace DynamicMoE.Peers.Report;

/// <summary>Writes a report: page, results and plots.</summary>
internal static class ReportFolder
{
    private const string Name = "layer";

    public static void Write(string folder, PeersReport report)
    {
        PeersReport complete = report.WithBars();
        Directory.CreateDirectory(folder);
        var plots = new Dictionary<int, string>();
        foreach (int threads in complete.Cells.Select(cell => cell.Threads).Distinct())
        {
            plots[threads] = $"{Name}-{threads}t.png";
            RooflinePlot.Save(Path.Combine(folder, plots[threads]), [.. complete.Cells.Where(cell => cell.Threads == threads)]);
        }

        File.WriteAllText(Path.Combine(folder, $"{Name}.json"), ResultFile.ToJson(complete) + "\n");
        File.WriteAllText(Path.Combine(folder, $"{Name}.md"), new MarkdownReport(complete).Text(plots).TrimEnd('\n') + "\n");
    }
}
