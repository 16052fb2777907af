using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>The attention entropy estimator, supplied with the weights of the attention before the layer.</summary>
internal sealed class AttentionScore(AttentionConfig config) : EstimatorScore(new AttentionEntropyEstimator())
{
    private float[] _weights = [];
    private int[] _visible = [];

    /// <inheritdoc/>
    public override void Measure(in RoutedInput input, Span<float> values)
    {
        int keys = input.Position + input.Tokens;
        if (_weights.Length < input.Tokens * config.QueryHeads * keys)
        {
            _weights = new float[input.Tokens * config.QueryHeads * keys];
            _visible = new int[input.Tokens];
        }

        Memory<float> weights = _weights.AsMemory(0, input.Tokens * config.QueryHeads * keys);
        Memory<int> visible = _visible.AsMemory(0, input.Tokens);
        AttentionWeights.Compute(config, in input, weights.Span, visible.Span);
        var context = new RoutingContext { AttentionWeights = weights, AttentionHeads = config.QueryHeads, VisibleKeys = visible };
        Estimate(input.Normed, input.Tokens, context, values);
    }
}
