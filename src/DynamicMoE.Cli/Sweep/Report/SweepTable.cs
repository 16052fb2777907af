using System.Globalization;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>A sweep for people at a terminal.</summary>
internal static class SweepTable
{
    /// <summary>Writes rows, times and limits.</summary>
    public static void Write(ToolConsole console, SweepReport report)
    {
        console.Out.WriteLine(SweepText.Model(report));
        console.Out.WriteLine(SweepText.TextLine(report));
        console.Out.WriteLine(SweepText.Gap(report));
        console.Out.WriteLine();

        var rows = new TextTable("routing", "weights", "experts\n/token", "bits\n/byte", "loss", "std.\nerror", "share\nof gap", "95%\nupper", "errors\nbelow random");
        foreach (SweepRow row in report.Rows)
        {
            rows.Add(SweepText.Cells(row));
        }

        rows.WriteTo(console);
        console.Out.WriteLine();
        var times = new TextTable("MoE time", "experts\n/token", "seconds", "ratio");
        foreach (SweepTime time in report.Times)
        {
            times.Add(SweepText.Cells(time));
        }

        times.WriteTo(console);
        console.Out.WriteLine();
        foreach (SweepBar bar in report.Bars)
        {
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{bar.Name} at {bar.Budget:0.0##}: {bar.Value:0.000}, {(bar.Name == SweepBars.ErrorsBelowRandom ? "above" : "at most")} {bar.Limit:0.000}: {(bar.Met ? "met" : "missed")}"));
        }

        console.Out.WriteLine($"Least loss over all budgets, control and bound aside: {report.BestSignal}.");
    }
}
