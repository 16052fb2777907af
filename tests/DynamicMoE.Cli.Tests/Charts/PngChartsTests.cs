using DynamicMoE.Cli.Charts;
using ScottPlot;
using ScottPlot.TickGenerators;
using Xunit;

namespace DynamicMoE.Cli.Tests.Charts;

public sealed class PngChartsTests
{
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, true, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    public void Render_WhateverTheChart_IsAPictureOfItsColours(bool logX, bool logY, bool bars)
    {
        var chart = new DynamicMoE.Chart
        {
            Name = "test",
            Title = "Title",
            XLabel = "x",
            YLabel = "y",
            LogX = logX,
            LogY = logY,
            Groups = bars ? ["a", "b", "c", "d", "e"] : [],
            Series =
            [
                new ChartSeries("one", [1, 2, 4], [0.1, 10, 100]) { Low = [0.05, 8, double.NaN], High = [0.2, 12, double.NaN] },
                new ChartSeries("two", [1], [3]),
            ],
        };
        using var file = new MemoryStream();

        new PngCharts().Render(chart, file);

        Image picture = new(file.ToArray());
        Assert.Equal((1200, 700), (picture.Width, picture.Height));
        Assert.Equal("png", new PngCharts().Extension);
    }

    [Theory]
    [InlineData(new[] { 256.0, 128, 4096, 128 }, new[] { 128.0, 256, 4096 })]
    [InlineData(new[] { 0.3, 7.5 }, new[] { 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50 })]
    [InlineData(new[] { 0.0015, 7.5 }, new[] { 0.001, 0.01, 0.1, 1, 10 })]
    public void Logarithmic_WhateverTheValues_NamesThemOrStepsAroundThem(double[] values, double[] expected) =>
        Assert.Equal(expected, ChartTicks.Logarithmic(values).Select(value => Math.Round(value, 9)));

    [Theory]
    [InlineData(new[] { 1.0, 2, 3 }, true)]
    [InlineData(new[] { 1.5, 2, 3 }, false)]
    [InlineData(new[] { 1.0 }, false)]
    public void Of_WhenTheAxisIsLinear_NamesWholeNumbersForWholeValues(double[] values, bool whole) =>
        Assert.Equal(whole, Assert.IsType<NumericAutomatic>(ChartTicks.Of(values, logarithmic: false)).IntegerTicksOnly);
}
