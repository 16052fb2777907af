using DynamicMoE.Cli.Benchmarking;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>The threshold estimator without a function: 1 above the median of the L2 norm, else 0. Equal scores are ordered at random, so that
/// every mean can be reached.</summary>
internal sealed class MedianScore(ulong seed) : EstimatorScore(new ThresholdEstimator())
{
    private RandomBits _random = new(seed);

    /// <inheritdoc/>
    public override float Level(float share) => ((share > 0.5f ? 1 : 0) + (float)_random.NextDouble()) / 2;
}
