using System.Globalization;

namespace DynamicMoE.Cli.Evaluation;

/// <summary>How a row of the table chooses experts.</summary>
/// <param name="Experts">Static rule: experts per token.</param>
/// <param name="Budget">Dynamic rule: mean experts per token to hold; null = static.</param>
internal sealed record RoutingRule(int Experts, double? Budget)
{
    /// <summary>The same number of experts for every token.</summary>
    public static RoutingRule Static(int experts) => new(experts, null);

    /// <summary>As many as router confidence asks for, at this mean.</summary>
    public static RoutingRule Dynamic(double budget, int mostExperts) => new(mostExperts, budget);

    /// <summary>Name of the row.</summary>
    public string Name => Budget is { } budget
        ? string.Create(CultureInfo.InvariantCulture, $"dynamic {budget:0.0##}")
        : string.Create(CultureInfo.InvariantCulture, $"static top-{Experts}");
}
