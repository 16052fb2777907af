namespace DynamicMoE;

/// <summary>The charts of a <see cref="FlopProfiler"/>.</summary>
internal static class FlopCharts
{
    internal static IReadOnlyList<Chart> Of(IReadOnlyList<FlopProfile> profiles)
    {
        FlopProfile[] layers = [.. profiles.Where(profile => profile.Kind == FlopProfile.Layer)];
        FlopProfile[] counted = layers.Length > 0 ? layers : [.. profiles];
        return layers.Length > 0 ? [Parts(counted), Routes(layers)] : [Parts(counted)];
    }

    private static Chart Parts(FlopProfile[] profiles)
    {
        string[] parts = [.. profiles.SelectMany(profile => profile.Components).Select(cost => cost.Component).Distinct()];
        return new Chart
        {
            Name = "flops",
            Title = "Operations by part of the work",
            XLabel = "profile",
            YLabel = "MFLOP per batch",
            LogY = true,
            Groups = [.. profiles.Select(profile => profile.Name)],
            Series = [.. parts.Select(part => Part(profiles, part)).Where(series => series.X.Count > 0)],
        };
    }

    // A part without operations has no place on a logarithmic axis.
    private static ChartSeries Part(FlopProfile[] profiles, string part)
    {
        (int Index, double Flops)[] bars = [.. profiles.Select((profile, i) =>
            (i, profile.Components.Where(cost => cost.Component == part).Sum(cost => cost.Flops) / 1e6)).Where(bar => bar.Item2 > 0)];
        return new ChartSeries(part, [.. bars.Select(bar => (double)bar.Index)], [.. bars.Select(bar => bar.Flops)]);
    }

    private static Chart Routes(FlopProfile[] profiles) => new()
    {
        Name = "experts",
        Title = "Share of routes, experts in falling order",
        XLabel = "rank of the expert",
        YLabel = "share of a batch's routes",
        Series = [.. profiles.Select(profile =>
        {
            double[] shares = [.. profile.Experts.Select(expert => (double)expert.Routes / profile.Routes).OrderDescending()];
            return new ChartSeries(profile.Name, [.. shares.Select((_, rank) => rank + 1.0)], shares);
        })],
    };
}
