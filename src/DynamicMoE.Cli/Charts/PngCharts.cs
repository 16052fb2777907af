using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;
using PlotBar = ScottPlot.Bar;

namespace DynamicMoE.Cli.Charts;

/// <summary>Draws the library's charts as PNG.</summary>
internal sealed class PngCharts : IChartRenderer
{
    private const int Width = 1200, Height = 700, ManyGroups = 4;

    // Share of the room between two groups that their bars take.
    private const double GroupWidth = 0.8;

    // Below the lowest bar of a logarithmic chart, in powers of ten.
    private const double Foot = 0.3;

    // Below 0, as a share of the height, so that a marker at 0 can be seen.
    private const double Sill = 0.02;

    // By Okabe and Ito: told apart with any kind of colour vision.
    private static readonly Color[] Palette =
    [
        Color.FromHex("#0072b2"), Color.FromHex("#d55e00"), Color.FromHex("#009e73"), Color.FromHex("#cc79a7"),
        Color.FromHex("#e69f00"), Color.FromHex("#56b4e9"), Color.FromHex("#000000"), Color.FromHex("#888888"),
    ];

    /// <inheritdoc/>
    public string Extension => "png";

    /// <inheritdoc/>
    public void Render(Chart chart, Stream destination)
    {
        var plot = new Plot();
        for (int i = 0; i < chart.Series.Count; i++)
        {
            if (chart.Groups.Count > 0)
            {
                Bars(plot, chart, i);
            }
            else
            {
                Line(plot, chart, i);
            }
        }

        Axes(plot, chart);
        plot.Title(chart.Title, size: 18);
        plot.XLabel(chart.XLabel, size: 14);
        plot.YLabel(chart.YLabel, size: 14);
        if (chart.Series.Count > 1)
        {
            plot.ShowLegend(Edge.Right);
        }

        destination.Write(plot.GetImage(Width, Height).GetImageBytes(ImageFormat.Png));
    }

    private static void Bars(Plot plot, Chart chart, int index)
    {
        ChartSeries series = chart.Series[index];
        double width = GroupWidth / chart.Series.Count, foot = chart.LogY ? Floor(chart) : 0;
        double[] places = [.. series.X.Select(x => x + ((index - ((chart.Series.Count - 1) / 2.0)) * width))];
        PlotBar[] bars = [.. places.Select((x, i) => new PlotBar
        {
            Position = x, Value = Place(series.Y[i], chart.LogY), ValueBase = foot, Size = width, FillColor = ColorOf(index), LineWidth = 0,
        })];
        BarPlot drawn = plot.Add.Bars(bars);
        drawn.LegendText = series.Name;
        for (int i = 0; i < places.Length; i++)
        {
            Interval(plot, chart, series, i, places[i], Colors.Black);
        }
    }

    private static void Line(Plot plot, Chart chart, int index)
    {
        ChartSeries series = chart.Series[index];
        double[] x = [.. series.X.Select(value => Place(value, chart.LogX))], y = [.. series.Y.Select(value => Place(value, chart.LogY))];
        Scatter line = plot.Add.Scatter(x, y, ColorOf(index));
        line.LegendText = series.Name;
        line.LineWidth = 2;
        line.MarkerSize = x.Length > 32 ? 4 : 8;
        line.LinePattern = index < Palette.Length ? LinePattern.Solid : LinePattern.Dashed;
        for (int i = 0; i < x.Length; i++)
        {
            Interval(plot, chart, series, i, x[i], ColorOf(index));
        }
    }

    private static void Interval(Plot plot, Chart chart, ChartSeries series, int i, double x, Color color)
    {
        if (series.Low is { } lows && series.High is { } highs && double.IsFinite(lows[i]) && double.IsFinite(highs[i]))
        {
            LinePlot line = plot.Add.Line(x, Place(lows[i], chart.LogY), x, Place(highs[i], chart.LogY));
            line.LineColor = color;
            line.LineWidth = 1.5f;
        }
    }

    private static void Axes(Plot plot, Chart chart)
    {
        if (chart.Groups.Count > 0)
        {
            plot.Axes.Bottom.TickGenerator = new NumericManual([.. chart.Groups.Select((_, i) => (double)i)], [.. chart.Groups]);
            plot.Axes.Bottom.MajorTickStyle.Length = 0;
            if (chart.Groups.Count > ManyGroups)
            {
                plot.Axes.Bottom.TickLabelStyle.Rotation = 30;
                plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.UpperLeft;
                plot.Axes.Bottom.MinimumSize = 110;
                plot.Axes.Right.MinimumSize = 60;
            }
        }
        else
        {
            plot.Axes.Bottom.TickGenerator = ChartTicks.Of([.. chart.Series.SelectMany(series => series.X)], chart.LogX);
        }

        if (chart.LogY)
        {
            plot.Axes.Left.TickGenerator = ChartTicks.Of([.. chart.Series.SelectMany(Extent)], logarithmic: true);
        }

        plot.Axes.AutoScale();
        double top = plot.Axes.GetLimits().Top;
        if (chart.Groups.Count > 0)
        {
            plot.Axes.SetLimitsY(chart.LogY ? Floor(chart) : 0, top);
        }
        else if (!chart.LogY)
        {
            plot.Axes.SetLimitsY(-Sill * top, top);
        }
    }

    private static IEnumerable<double> Extent(ChartSeries series) =>
        [.. series.Y, .. (series.Low ?? []).Where(double.IsFinite), .. (series.High ?? []).Where(double.IsFinite)];

    private static double Floor(Chart chart) => Math.Log10(Lowest(chart)) - Foot;

    private static double Lowest(Chart chart) => chart.Series.SelectMany(series => series.Y).DefaultIfEmpty(1).Min();

    private static double Place(double value, bool logarithmic) => logarithmic ? Math.Log10(value) : value;

    private static Color ColorOf(int index) => Palette[index % Palette.Length];
}
