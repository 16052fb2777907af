namespace DynamicMoE;

/// <summary>A chart as data: what a report shows, without a way to draw it. An <see cref="IChartRenderer"/> makes a picture of it.</summary>
public sealed record Chart
{
    /// <summary>File name without extension: lower-case letters, digits and hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>Heading.</summary>
    public required string Title { get; init; }

    /// <summary>What the horizontal axis shows, with its unit.</summary>
    public required string XLabel { get; init; }

    /// <summary>What the vertical axis shows, with its unit.</summary>
    public required string YLabel { get; init; }

    /// <summary>Whether the horizontal axis is logarithmic; then every X is above 0.</summary>
    public bool LogX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic; then every Y is above 0.</summary>
    public bool LogY { get; init; }

    /// <summary>Names of the bars' groups, for a chart of bars: a series' X is then the index of a group. Empty for a chart of lines.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The lines, or the bars of one colour.</summary>
    public required IReadOnlyList<ChartSeries> Series { get; init; }
}
