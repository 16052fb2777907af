using System.Diagnostics;
using DynamicMoE.Cli.Models;
using DynamicMoE.Peers.Bars;

namespace DynamicMoE.Peers.Questions;

/// <summary>What routing one token costs in decoding, where the experts of the token before have driven the router's weights out of the caches.</summary>
/// <param name="Shape">The layer.</param>
/// <param name="Format">Format of the weights.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Microseconds">Time of the router's call between two calls of the layer, median. Plan and combine, which the layer does besides, are not in it.</param>
/// <param name="FloorMicroseconds">Bytes of the router's weights over the read bandwidth.</param>
internal sealed record TokenRouting(string Shape, string Format, int Threads, double Microseconds, double FloorMicroseconds)
{
    private const double Allowance = 5;

    private const int RouterBytesPerWeight = sizeof(float);

    public Bar Bar() => new(
        3, Shape, Format, Threads, 1, "microseconds of routing <= router bytes / bandwidth + 5", Microseconds, Microseconds <= FloorMicroseconds + Allowance);

    /// <summary>Measures; experts have random weights.</summary>
    public static TokenRouting Measure(LayerWeights weights, DynamicMoELayer layer, LayerLimits limits, TimeSpan budget)
    {
        var batches = new TokenBatches(new TokenPool(weights, 1), 1);
        using DynamicMoERun run = layer.Prepare(batches, limits.Threads);
        var times = new List<double>();
        long end = Stopwatch.GetTimestamp() + (long)(budget.TotalSeconds * Stopwatch.Frequency);
        for (int token = 0; Stopwatch.GetTimestamp() < end || times.Count < batches.Count; token = (token + 1) % batches.Count)
        {
            run.Run(token);
            long start = Stopwatch.GetTimestamp();
            run.Route((token + 1) % batches.Count);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        double bytes = (double)RouterBytesPerWeight * weights.Shape.Hidden * weights.Shape.Experts;
        return new TokenRouting(
            weights.Shape.Name,
            WeightFormats.Name(weights.Format),
            limits.Threads,
            CellArithmetic.Median(times),
            1e6 * bytes / limits.ReadBytesPerSecond);
    }
}
