namespace DynamicMoE;

/// <summary>The page of a <see cref="ComparisonProfiler"/>.</summary>
internal sealed class ComparisonReport(IReadOnlyList<StrategyComparison> results, IReadOnlyList<string> charts)
{
    private readonly MarkdownPage _page = new();

    internal string Text()
    {
        _page.Line("# Routing strategies at one checkpoint").Line();
        _page.Line("All candidates of a section have the same gate, the same experts and the same hidden states; they take turns, and every other turn runs backwards. "
            + "Savings, ratios and output differences refer to the first one.").Line();
        foreach (string chart in charts)
        {
            _page.Line($"![{Path.GetFileNameWithoutExtension(chart)}]({chart})").Line();
        }

        string[] scopes = [.. results.Select(result => result.Scope).Distinct()];
        if (scopes.Length > 1)
        {
            Totals(scopes.Length);
        }

        foreach (string scope in scopes)
        {
            Scope([.. results.Where(result => result.Scope == scope)]);
        }

        _page.Line("Time ratio: median of the quotients of passes in the same turn, with its 95 % confidence interval by order statistics (binomial), where there "
            + "are at least 6. FLOPs: products, two operations per weight and row. Output difference: |y - y1| / |y1|; quality is measured by `dmoe eval`.");
        return _page.ToString();
    }

    private void Totals(int scopes)
    {
        _page.Line($"## All {scopes} sections").Line();
        _page.Header("routing", "experts/token", "MFLOP", "FLOPs saved", "weight MB", "bytes saved", "ms", "time ratio", "mean output difference");
        foreach (ComparisonTotal total in ComparisonTotal.Of(results))
        {
            _page.Row(
                total.Name,
                MarkdownPage.Number(total.MeanExpertsPerToken),
                MarkdownPage.Number(total.ProductFlops / 1e6),
                MarkdownPage.Percent(total.FlopsSaving),
                MarkdownPage.Number(total.WeightBytes / 1e6),
                MarkdownPage.Percent(total.BytesSaving),
                MarkdownPage.Number(1e3 * total.Seconds),
                MarkdownPage.Number(total.TimeRatio),
                MarkdownPage.Number(total.MeanOutputDifference));
        }

        _page.Line();
    }

    private void Scope(StrategyComparison[] rows)
    {
        bool limited = rows.Any(row => row.Limit is not null);
        _page.Line($"## {rows[0].Scope}").Line();
        _page.Line(FormattableString.Invariant($"{rows[0].Tokens:#,0} tokens in {rows[0].Batches} batches, {rows[0].Timing.Repetitions} timed passes.")).Line();
        string[] shares = limited ? ["share of peak", "share of read bandwidth"] : [];
        _page.Header([
            "routing", "experts/token", "distinct experts", "load balance", "MFLOP", "FLOPs saved", "weight MB", "bytes saved", "ms", "time ratio [95 %]",
            "output difference", .. shares,
        ]);
        foreach (StrategyComparison row in rows)
        {
            string[] limit = limited ? [MarkdownPage.Percent(row.Limit?.PeakShare), MarkdownPage.Percent(row.Limit?.BandwidthShare)] : [];
            _page.Row([
                row.Name,
                MarkdownPage.Number(row.MeanExpertsPerToken),
                MarkdownPage.Number(row.MeanDistinctExperts),
                MarkdownPage.Number(row.LoadBalanceScore),
                MarkdownPage.Number(row.ProductFlops / 1e6),
                MarkdownPage.Percent(row.FlopsSaving),
                MarkdownPage.Number(row.WeightBytes / 1e6),
                MarkdownPage.Percent(row.BytesSaving),
                MarkdownPage.Number(1e3 * row.Timing.MedianSeconds),
                MarkdownPage.WithInterval(row.TimeRatio, row.TimeRatioLow, row.TimeRatioHigh),
                MarkdownPage.Number(row.OutputDifference),
                .. limit,
            ]);
        }

        _page.Line();
    }
}
