using DynamicMoE.Cli.Models;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>Makes cells of measured times.</summary>
internal static class CellArithmetic
{
    /// <summary>Our layer's cell, without peers.</summary>
    /// <param name="weights">Shape and format.</param>
    /// <param name="batches">What was run.</param>
    /// <param name="seconds">Time per batch of each repetition.</param>
    /// <param name="l3Bytes">Third-level cache.</param>
    /// <param name="limits">Of the machine, at the number of threads that ran.</param>
    public static LayerCell Cell(LayerWeights weights, TokenBatches batches, double[] seconds, long l3Bytes, LayerLimits limits)
    {
        LayerShape shape = weights.Shape;
        double experts = batches.DistinctExperts();
        double time = Median(seconds);
        LayerFloor floor = LayerFloor.Of(shape, weights.Format, batches.Tokens, experts, l3Bytes, limits);
        long expertBytes = LayerFormats.ExpertBytes(shape, weights.Format);
        return new LayerCell
        {
            Shape = shape.Name,
            Hidden = shape.Hidden,
            Width = shape.Width,
            Experts = shape.Experts,
            ExpertsPerToken = shape.ExpertsPerToken,
            Tokens = batches.Tokens,
            Format = WeightFormats.Name(weights.Format),
            Threads = limits.Threads,
            DistinctExperts = experts,
            ExpertBytes = shape.Experts * expertBytes,
            Milliseconds = 1000 * time,
            FastestMilliseconds = 1000 * seconds.Min(),
            Repetitions = seconds.Length,
            Gflops = batches.Tokens * shape.FlopsPerToken / time / 1e9,
            GbPerS = experts * expertBytes / time / 1e9,
            FloorMilliseconds = 1000 * floor.Seconds,
            ShareOfLimit = floor.Seconds / time,
            ByteShare = floor.BytesSeconds / time,
            Binds = floor.Binds,
            Limits = limits,
        };
    }

    /// <summary>A peer's figures; both implementations were timed in the same repetitions.</summary>
    public static PeerTiming Peer(string name, double[] seconds, double[] ours, double relativeError) =>
        new(name, 1000 * Median(seconds), 1000 * seconds.Min(), MedianQuotient(seconds, ours), relativeError);

    /// <summary>Median of the quotients of single repetitions.</summary>
    public static double MedianQuotient(double[] numerators, double[] denominators) =>
        Median(numerators.Zip(denominators, (numerator, denominator) => numerator / denominator));

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
