namespace DynamicMoE;

/// <summary>The page of a <see cref="FlopProfiler"/>.</summary>
internal sealed class FlopReport(IReadOnlyList<FlopProfile> profiles, IReadOnlyList<string> charts)
{
    private readonly MarkdownPage _page = new();

    internal string Text()
    {
        FlopSummary summary = FlopSummary.Of(profiles);
        _page.Line("# Operations and bytes").Line();
        _page.Line("Counted by formula from the plan of each batch. Products are two operations per weight and row; other operations are those on elements. "
            + "Bytes are those of the weights that the batch needs, each once, as they are kept.").Line();
        foreach (string chart in charts)
        {
            _page.Line($"![{Path.GetFileNameWithoutExtension(chart)}]({chart})").Line();
        }

        Profiles();
        Components(summary);
        return _page.ToString();
    }

    private void Profiles()
    {
        bool limited = profiles.Any(profile => profile.Limit is not null);
        _page.Line("## Profiles").Line();
        string[] shares = limited ? ["share of peak", "share of read bandwidth", "bound by"] : [];
        _page.Header(["profile", "kind", "tokens", "experts/token", "distinct experts", "MFLOP", "saving", "weight MB", "ms [95 %]", .. shares]);
        foreach (FlopProfile profile in profiles)
        {
            string[] limit = !limited ? [] : profile.Limit is { } found
                ? [MarkdownPage.Percent(found.PeakShare), MarkdownPage.Percent(found.BandwidthShare), found.Binds] : ["-", "-", "-"];
            ProfileTiming timing = profile.Timing;
            _page.Row([
                profile.Name,
                profile.Kind,
                MarkdownPage.Number(profile.Tokens),
                MarkdownPage.Number(profile.MeanExpertsPerToken),
                MarkdownPage.Number(profile.DistinctExperts),
                MarkdownPage.Number((profile.ProductFlops + profile.OtherFlops) / 1e6),
                MarkdownPage.Percent(profile.FlopsSaving),
                MarkdownPage.Number(profile.WeightBytes / 1e6),
                MarkdownPage.WithInterval(1e3 * timing.MedianSeconds, 1e3 * timing.LowSeconds, 1e3 * timing.HighSeconds),
                .. limit,
            ]);
        }

        _page.Line();
        _page.Line("Saving: products against every token at the trained number of experts. Time: median of the repetitions, with the 95 % confidence interval "
            + "of the median by order statistics (binomial), where there are at least 6.").Line();
        if (limited)
        {
            _page.Line("Share of read bandwidth: - where all weights fit into half of the third-level cache.").Line();
        }
    }

    private void Components(FlopSummary summary)
    {
        _page.Line(summary.LayerProfiles > 0 ? "## Parts of the layers, added up" : "## Parts of routing, added up").Line();
        _page.Header("part", "format", "products, MFLOP", "other, MFLOP", "share of FLOPs", "weight MB", "activation MB");
        double all = summary.ProductFlops + summary.OtherFlops;
        foreach (ComponentCost cost in summary.Components)
        {
            _page.Row(
                cost.Component,
                cost.Format.ToString(),
                MarkdownPage.Number(cost.ProductFlops / 1e6),
                MarkdownPage.Number(cost.OtherFlops / 1e6),
                MarkdownPage.Percent(all == 0 ? null : cost.Flops / all),
                MarkdownPage.Number(cost.WeightBytes / 1e6),
                MarkdownPage.Number(cost.ActivationBytes / 1e6));
        }
    }
}
