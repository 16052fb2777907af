namespace DynamicMoE;

/// <summary>One line of a chart, or the bars of one colour.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="X">Positions, as many as there are points.</param>
/// <param name="Y">Values.</param>
public sealed record ChartSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>Lower ends of the 95 % confidence intervals, as many as there are points; NaN where there is none. Null: no intervals.</summary>
    public IReadOnlyList<double>? Low { get; init; }

    /// <summary>Upper ends of the 95 % confidence intervals, as many as there are points; NaN where there is none. Null: no intervals.</summary>
    public IReadOnlyList<double>? High { get; init; }
}
