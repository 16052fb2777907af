using DynamicMoE.Compute;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>The perplexity proxy, supplied with what the output head makes of the stream before the layer.</summary>
internal sealed class HeadScore(MoEModel model) : EstimatorScore(new PerplexityProxyEstimator())
{
    // With a large vocabulary tokens are measured in parts.
    private const int MostLogits = 1 << 22;

    private readonly int _part = Math.Max(1, MostLogits / model.Config.VocabularySize);
    private float[] _normed = [];
    private float[] _logits = [];

    /// <inheritdoc/>
    public override void Measure(in RoutedInput input, Span<float> values)
    {
        int width = model.Config.HiddenSize, vocabulary = model.Config.VocabularySize;
        for (int start = 0; start < input.Tokens; start += _part)
        {
            int count = Math.Min(_part, input.Tokens - start);
            Array.Resize(ref _normed, Math.Max(_normed.Length, count * width));
            Array.Resize(ref _logits, Math.Max(_logits.Length, count * vocabulary));
            Span<float> normed = _normed.AsSpan(0, count * width);
            Memory<float> logits = _logits.AsMemory(0, count * vocabulary);
            Normalization.Rms(input.Residual.Slice(start * width, normed.Length), count, model.Weights.FinalNorm, model.Config.NormEpsilon, normed);
            model.Weights.Head.Multiply(normed, count, logits.Span, model.Options.Threads);
            ReadOnlySpan<float> hidden = input.Normed.Slice(start * width, normed.Length);
            Estimate(hidden, count, new RoutingContext { LmHeadLogits = logits }, values.Slice(start, count));
        }
    }
}
