using DynamicMoE.Cli.Models;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace DynamicMoE.Peers.Report;

/// <summary>
/// Rates over arithmetic intensity (operations per byte of distinct active experts), one panel per format: roofs as measured, a filled marker for each
/// cell, an open one for its fastest peer. Colour = shape, form = tokens. Shapes stand a little beside one another, since many share an intensity.
/// </summary>
internal static class RooflinePlot
{
    private const int Width = 1400, Height = 900, Columns = 2;

    // Around the markers, room for the legend on the right, and distance of shapes: powers of ten.
    private const double Margin = 0.2, LegendRoom = 0.9, ShapeDistance = 0.04;

    private static readonly string[] Shapes = [.. LayerShape.All.Select(shape => shape.Name)];

    private static readonly Color[] ShapeColors =
        [Color.FromHex("#1f77b4"), Color.FromHex("#d95f02"), Color.FromHex("#2a9d4a"), Color.FromHex("#8e44ad"), Color.FromHex("#c0392b"), Color.FromHex("#555555")];

    private static readonly (int Tokens, MarkerShape Filled, MarkerShape Open)[] Forms =
    [
        (1, MarkerShape.FilledCircle, MarkerShape.OpenCircle),
        (8, MarkerShape.FilledSquare, MarkerShape.OpenSquare),
        (64, MarkerShape.FilledTriangleUp, MarkerShape.OpenTriangleUp),
        (512, MarkerShape.FilledDiamond, MarkerShape.OpenDiamond),
    ];

    /// <param name="path">PNG file.</param>
    /// <param name="cells">Cells of one number of threads.</param>
    public static void Save(string path, IReadOnlyList<LayerCell> cells)
    {
        string[] formats = [.. WeightFormats.Names.Where(format => cells.Any(cell => cell.Format == format))];
        int columns = Math.Min(Columns, formats.Length);
        var panels = new Multiplot();
        panels.AddPlots(formats.Length);
        panels.Layout = new ScottPlot.MultiplotLayouts.Grid((formats.Length + columns - 1) / columns, columns);
        for (int i = 0; i < formats.Length; i++)
        {
            Draw(panels.GetPlot(i), [.. cells.Where(cell => cell.Format == formats[i])]);
        }

        panels.SavePng(path, Width, Height);
    }

    private static void Draw(Plot plot, LayerCell[] cells)
    {
        double peak = CellArithmetic.Median(cells.Select(cell => cell.Limits.Peak(LayerFormats.Named(cell.Format)) / 1e9));
        double bandwidth = CellArithmetic.Median(cells.Select(cell => cell.Limits.ReadBytesPerSecond / 1e9));
        double left = cells.Min(Intensity) - Margin, right = Math.Max(cells.Max(Intensity), Math.Log10(peak / bandwidth)) + LegendRoom;
        DrawRoof(plot, peak, bandwidth, left, right);
        foreach (LayerCell cell in cells)
        {
            DrawCell(plot, cell);
        }

        double least = cells.Min(cell => cell.Gflops / Math.Max(1, cell.RatioToFastestPeer ?? 1)), most = cells.Max(cell => Math.Max(peak, cell.Gflops));
        plot.Axes.SetLimits(left, right, Math.Log10(least) - Margin, Math.Log10(most) + Margin);
        plot.Axes.Bottom.TickGenerator = Decades();
        plot.Axes.Left.TickGenerator = Decades();
        plot.Title(FormattableString.Invariant($"{cells[0].Format}, {cells[0].Threads} thread{(cells[0].Threads == 1 ? "" : "s")}: {peak:0} GFLOP/s, {bandwidth:0} GB/s"), size: 16);
        plot.XLabel("operations per byte of active experts", size: 13);
        plot.YLabel("GFLOP/s", size: 13);
        plot.ShowLegend(LegendItems(cells), Alignment.LowerRight);
    }

    private static void DrawRoof(Plot plot, double peak, double bandwidth, double left, double right)
    {
        double knee = Math.Log10(peak / bandwidth);
        double[] x = [left, knee, right];
        double[] y = [left + Math.Log10(bandwidth), Math.Log10(peak), Math.Log10(peak)];
        ScottPlot.Plottables.Scatter roof = plot.Add.ScatterLine(x, y, Colors.Black);
        roof.LineWidth = 2;
    }

    private static void DrawCell(Plot plot, LayerCell cell)
    {
        double intensity = Intensity(cell) + (ShapeDistance * (Rank(cell.Shape) - (Shapes.Length / 2)));
        double rate = Math.Log10(cell.Gflops);
        (_, MarkerShape filled, MarkerShape open) = Forms.LastOrDefault(form => form.Tokens <= cell.Tokens, Forms[0]);
        Color color = ShapeColors[Rank(cell.Shape)];
        if (cell.RatioToFastestPeer is double ratio)
        {
            double peer = rate - Math.Log10(ratio);
            ScottPlot.Plottables.LinePlot line = plot.Add.Line(intensity, peer, intensity, rate);
            line.LineWidth = 1;
            line.LineColor = color.WithAlpha(0.35);
            plot.Add.Marker(intensity, peer, open, size: 8, color);
        }

        plot.Add.Marker(intensity, rate, filled, size: 10, color);
    }

    private static LegendItem[] LegendItems(LayerCell[] cells) =>
    [
        .. cells.Select(cell => cell.Shape).Distinct().OrderBy(Rank).Select(shape => new LegendItem
        {
            LabelText = shape, MarkerShape = MarkerShape.FilledSquare, MarkerSize = 10, MarkerColor = ShapeColors[Rank(shape)], LineWidth = 0,
        }),
        .. Forms.Where(form => cells.Any(cell => cell.Tokens == form.Tokens)).Select(form => new LegendItem
        {
            LabelText = $"T = {form.Tokens}", MarkerShape = form.Filled, MarkerSize = 10, MarkerColor = Colors.Black, LineWidth = 0,
        }),
        new LegendItem { LabelText = "fastest peer", MarkerShape = MarkerShape.OpenCircle, MarkerSize = 8, MarkerColor = Colors.Black, LineWidth = 0 },
    ];

    private static double Intensity(LayerCell cell) => Math.Log10(cell.Gflops / cell.GbPerS);

    private static int Rank(string shape) => Array.IndexOf(Shapes, shape) is int rank and >= 0 ? rank : Shapes.Length;

    private static NumericAutomatic Decades() => new()
    {
        IntegerTicksOnly = true,
        MinorTickGenerator = new LogMinorTickGenerator(),
        LabelFormatter = power => Math.Pow(10, power).ToString("0.##", System.Globalization.CultureInfo.InvariantCulture),
    };
}
