using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>Every signal that is compared, by name.</summary>
internal static class TokenScores
{
    /// <summary>The control.</summary>
    public const string Random = "random";

    /// <summary>The bound.</summary>
    public const string Oracle = "oracle";

    private const ulong Seed = 20261125;

    /// <summary>Names: the product's estimators, the control, the bound.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ComplexityEstimators.All, Random, Oracle];

    /// <summary>Makes one.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="model">The model that it looks into.</param>
    /// <param name="weighting">Weights of the experts of a dynamic rule.</param>
    public static ITokenScore Create(string name, MoEModel model, Weighting weighting) => name switch
    {
        ComplexityEstimators.GradientNorm => new EstimatorScore(new GradientNormEstimator()),
        ComplexityEstimators.AttentionEntropy => new AttentionScore(model.Config.Attention!),
        ComplexityEstimators.PerplexityProxy => new HeadScore(model),
        ComplexityEstimators.Threshold => new MedianScore(Seed),
        Random => new RandomScore(Seed),
        Oracle => new OracleScore(model, weighting),
        _ => new RouterScore(model, name),
    };
}
