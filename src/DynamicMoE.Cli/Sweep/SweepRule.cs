using System.Globalization;

namespace DynamicMoE.Cli.Sweep;

/// <summary>How a row of the sweep chooses experts.</summary>
internal enum SweepKind
{
    /// <summary>The same number for every token.</summary>
    Static,

    /// <summary>The product's default: threshold on router confidence, one online threshold per layer, the budget divided among layers as the model's own
    /// calibration says; equal budgets without one.</summary>
    Confidence,

    /// <summary>The same with equal budgets, for a model whose calibration knows better.</summary>
    ConfidenceEqual,

    /// <summary>The same with the budget divided by what each layer loses with one expert, measured on the calibration text, for a model without calibration.</summary>
    ConfidenceByLayer,

    /// <summary>The product's top-p rule with one mass for all layers.</summary>
    TopP,

    /// <summary>Another signal, by <see cref="ScoreRouting"/>.</summary>
    Score,
}

/// <summary>One row of the sweep.</summary>
/// <param name="Kind">How experts are chosen.</param>
/// <param name="Signal">"static", "confidence", "confidence_equal", "confidence_by_layer", "top_p", or the name of a score.</param>
/// <param name="Weighting">Weights of the chosen experts.</param>
/// <param name="Experts">Static: experts per token.</param>
/// <param name="Budget">Otherwise: mean experts per token.</param>
internal sealed record SweepRule(SweepKind Kind, string Signal, Weighting Weighting, int Experts, double? Budget)
{
    /// <summary>Signal of the default rows.</summary>
    public const string Confidence = "confidence";

    /// <summary>Signal of the default with equal budgets.</summary>
    public const string ConfidenceEqual = "confidence_equal";

    /// <summary>Signal of the default with a budget of its own for each layer.</summary>
    public const string ConfidenceByLayer = "confidence_by_layer";

    /// <summary>Signal of the top-p rows.</summary>
    public const string TopP = "top_p";

    /// <summary>"static top-1", "confidence 1.5".</summary>
    public string Name => Budget is { } budget
        ? string.Create(CultureInfo.InvariantCulture, $"{Signal} {budget:0.0##}")
        : string.Create(CultureInfo.InvariantCulture, $"static top-{Experts}");

    /// <summary>The same experts for every token.</summary>
    public static SweepRule Static(int experts, Weighting weighting) => new(SweepKind.Static, "static", weighting, experts, null);

    /// <summary>A mean to hold.</summary>
    public static SweepRule Dynamic(SweepKind kind, string signal, Weighting weighting, double budget) => new(kind, signal, weighting, 0, budget);
}
