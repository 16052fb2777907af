using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>An estimator that reads the layer's input alone: its raw values.</summary>
internal class EstimatorScore(ComplexityEstimator estimator) : ITokenScore
{
    /// <inheritdoc/>
    public string Name => estimator.Name;

    /// <inheritdoc/>
    public virtual void Measure(in RoutedInput input, Span<float> values) => Estimate(input.Normed, input.Tokens, null, values);

    /// <inheritdoc/>
    public virtual float Level(float share) => share;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Raw values of some tokens.</summary>
    protected void Estimate(ReadOnlySpan<float> hidden, int tokens, RoutingContext? context, Span<float> values) =>
        estimator.Estimate(new EstimationInput(hidden, tokens, hidden.Length / tokens, context), values);
}
