using System.Numerics.Tensors;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>
/// What the next expert and those after it would change: |y(all trained experts) - y(those before it)| / |residual|, with the layer's output
/// run each way. No router can know it, so it bounds what a signal about this layer alone can reach.
/// </summary>
internal sealed class OracleScore : ITokenScore
{
    private readonly RoutedLayer[][] _layers;
    private readonly int _trained;
    private float[] _whole = [];
    private float[] _some = [];

    /// <summary>Makes the score.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weighting">Weights of the experts that are left.</param>
    public OracleScore(MoEModel model, Weighting weighting)
    {
        _trained = model.Config.Experts.PerToken;
        _layers = [.. model.MoELayers.Select(block => Enumerable.Range(1, _trained).Select(count => Build(block, count, weighting)).ToArray())];
    }

    /// <inheritdoc/>
    public string Name => "oracle";

    /// <inheritdoc/>
    public bool PerExpert => true;

    /// <inheritdoc/>
    public void Measure(in RoutedInput input, Span<float> values)
    {
        int width = input.Normed.Length / input.Tokens;
        Array.Resize(ref _whole, Math.Max(_whole.Length, input.Normed.Length));
        Array.Resize(ref _some, _whole.Length);
        Span<float> whole = _whole.AsSpan(0, input.Normed.Length), some = _some.AsSpan(0, input.Normed.Length);
        RoutedLayer[] layers = _layers[input.Index];
        layers[^1].Layer.Forward(input.Normed, input.Tokens, whole);
        for (int kept = 1; kept < _trained; kept++)
        {
            layers[kept - 1].Layer.Forward(input.Normed, input.Tokens, some);
            for (int token = 0; token < input.Tokens; token++)
            {
                Range row = (token * width)..((token + 1) * width);
                float change = TensorPrimitives.Distance(whole[row], some[row]);
                values[(token * (_trained - 1)) + kept - 1] = change / Math.Max(TensorPrimitives.Norm(input.Residual[row]), float.Epsilon);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RoutedLayer layer in _layers.SelectMany(layers => layers))
        {
            layer.Dispose();
        }
    }

    private static RoutedLayer Build(MoEBlock block, int count, Weighting weighting)
    {
        DynamicRoutingOptions options = DynamicRoutingOptions.FixedCount(count);
        options.Weighting = weighting;
        return block.Build(options.ToRouter(block.Config, block.Layer, arbiter: null, arbiterLayer: 0));
    }
}
