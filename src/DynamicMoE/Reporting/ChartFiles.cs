namespace DynamicMoE;

/// <summary>Charts as files beside a report.</summary>
internal static class ChartFiles
{
    /// <summary>Draws charts into a folder, which is made; each file appears once it is whole and replaces one of its name.</summary>
    /// <returns>File names, in order.</returns>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    internal static IReadOnlyList<string> Write(IReadOnlyList<Chart> charts, IChartRenderer renderer, string folder)
    {
        Directory.CreateDirectory(folder);
        var names = new List<string>();
        foreach (Chart chart in charts)
        {
            names.Add($"{chart.Name}.{renderer.Extension}");
            using var file = new WholeFile(Path.Combine(folder, names[^1]), overwrite: true);
            renderer.Render(chart, file.Stream);
            file.Commit();
        }

        return names;
    }
}
