using DynamicMoE.Cli.Sweep.Scores;
using ScottPlot;
using ScottPlot.Plottables;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>Bits per byte over experts per token: on the left static rules and the default, on the right every signal below the trained number.</summary>
internal static class SweepPlot
{
    private const int Width = 1500, Height = 700;

    private static readonly Dictionary<string, Color> Colors = new()
    {
        ["static"] = Color.FromHex("#000000"),
        [SweepRule.Confidence] = Color.FromHex("#1f4fd8"),
        [SweepRule.ConfidenceByLayer] = Color.FromHex("#6aa9ff"),
        [SweepRule.ConfidenceEqual] = Color.FromHex("#6aa9ff"),
        [SweepRule.TopP] = Color.FromHex("#17a2b8"),
        [ComplexityEstimators.RouterMargin] = Color.FromHex("#2a9d4a"),
        [ComplexityEstimators.RouterEntropy] = Color.FromHex("#8bc34a"),
        [ComplexityEstimators.AttentionEntropy] = Color.FromHex("#d95f02"),
        [ComplexityEstimators.GradientNorm] = Color.FromHex("#c0392b"),
        [ComplexityEstimators.Threshold] = Color.FromHex("#e083a4"),
        [ComplexityEstimators.PerplexityProxy] = Color.FromHex("#8e44ad"),
        [TokenScores.Random] = Color.FromHex("#888888"),
        [TokenScores.Oracle] = Color.FromHex("#c9a200"),
    };

    /// <summary>Writes the plot.</summary>
    /// <param name="path">PNG file.</param>
    /// <param name="report">What was found.</param>
    public static void Save(string path, SweepReport report)
    {
        string weighting = report.Rows.First(row => row.Signal == SweepRule.Confidence).Weighting;
        SweepRow[] fixedRows = [.. report.Rows.Where(row => row.Budget is null)];
        SweepRow[] dynamic = [.. report.Rows.Where(row => row.Budget is not null && row.Weighting == weighting)];
        int trained = report.Model.TrainedExperts;

        var panels = new Multiplot();
        panels.AddPlots(2);
        panels.Layout = new ScottPlot.MultiplotLayouts.Grid(1, 2);
        Static(panels.GetPlot(0), fixedRows);
        Line(panels.GetPlot(0), SweepRule.Confidence, [.. dynamic.Where(row => row.Signal == SweepRule.Confidence)], $"{SweepRule.Confidence}, budget");
        Finish(panels.GetPlot(0), $"{report.Model.Name}: static rules and the default", Alignment.UpperRight);

        Plot signals = panels.GetPlot(1);
        Static(signals, [.. fixedRows.Where(row => row.MeanExpertsPerToken <= trained)]);
        foreach (IGrouping<string, SweepRow> signal in dynamic.GroupBy(row => row.Signal).OrderByDescending(signal => signal.Sum(row => row.Loss)))
        {
            Line(signals, signal.Key, [.. signal], signal.Key);
        }

        Finish(signals, $"every signal at matched means, {weighting}", Alignment.UpperRight);
        panels.SavePng(path, Width, Height);
    }

    // One line per weighting: they meet where static routing is as it was trained.
    private static void Static(Plot plot, SweepRow[] rows)
    {
        SweepRow[] own = [.. rows.GroupBy(row => row.MeanExpertsPerToken).Select(group => group.First())];
        Scatter line = Line(plot, "static", own, "static top-k");
        line.LinePattern = LinePattern.Dashed;
        SweepRow[] scaled = [.. rows.Where(row => row.Weighting == WeightingNames.Name(Weighting.TrainedScale))];
        if (scaled.Length > 1 && own.Any(row => row.Weighting != scaled[0].Weighting))
        {
            Scatter other = Line(plot, "static", scaled, "static top-k, trained_scale");
            other.LinePattern = LinePattern.Dotted;
        }
    }

    private static Scatter Line(Plot plot, string signal, SweepRow[] rows, string label)
    {
        SweepRow[] ordered = [.. rows.OrderBy(row => row.MeanExpertsPerToken)];
        double[] x = [.. ordered.Select(row => row.MeanExpertsPerToken)], y = [.. ordered.Select(row => row.BitsPerByte)];
        Scatter line = plot.Add.Scatter(x, y, Colors.GetValueOrDefault(signal, Color.FromHex("#555555")));
        line.LegendText = label;
        line.LineWidth = signal == SweepRule.Confidence ? 3 : 1.5f;
        line.MarkerSize = signal == SweepRule.Confidence ? 9 : 6;
        return line;
    }

    private static void Finish(Plot plot, string title, Alignment legend)
    {
        plot.Title(title, size: 16);
        plot.XLabel("mean experts per token", size: 13);
        plot.YLabel("bits per byte", size: 13);
        plot.ShowLegend(legend);
    }
}
