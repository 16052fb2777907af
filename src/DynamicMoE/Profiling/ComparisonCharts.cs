namespace DynamicMoE;

/// <summary>The charts of a <see cref="ComparisonProfiler"/>.</summary>
internal static class ComparisonCharts
{
    internal static IReadOnlyList<Chart> Of(IReadOnlyList<StrategyComparison> results)
    {
        IReadOnlyList<ComparisonTotal> totals = ComparisonTotal.Of(results);
        return
        [
            new Chart
            {
                Name = "comparison",
                Title = "Operations, bytes and time beside the first candidate's",
                XLabel = "routing",
                YLabel = "share of the first candidate's",
                Groups = [.. totals.Select(total => total.Name)],
                Series =
                [
                    Bars("FLOPs", totals, total => 1 - total.FlopsSaving),
                    Bars("weight bytes", totals, total => 1 - total.BytesSaving),
                    Bars("time", totals, total => total.TimeRatio),
                ],
            },
            new Chart
            {
                Name = "difference",
                Title = "Output difference over operations",
                XLabel = "FLOPs, share of the first candidate's",
                YLabel = "mean output difference |y - y1| / |y1|",
                Series = [.. totals.Select(total => new ChartSeries(total.Name, [1 - total.FlopsSaving], [total.MeanOutputDifference]))],
            },
        ];
    }

    private static ChartSeries Bars(string name, IReadOnlyList<ComparisonTotal> totals, Func<ComparisonTotal, double> value) =>
        new(name, [.. totals.Select((_, index) => (double)index)], [.. totals.Select(value)]);
}
