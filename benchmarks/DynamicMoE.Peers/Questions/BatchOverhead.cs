using DynamicMoE.Cli.Models;
using DynamicMoE.Peers.Bars;

namespace DynamicMoE.Peers.Questions;

/// <summary>How much of a large batch's time is not expert work.</summary>
/// <param name="Shape">The layer.</param>
/// <param name="Format">Format of the weights.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="LayerMilliseconds">The layer, median.</param>
/// <param name="RouteMilliseconds">Its router alone, median.</param>
/// <param name="RestMilliseconds">The same layer extrapolated to experts of width 0, median: routing, plan, gathering and combining.</param>
/// <param name="RouteShare">Router over layer.</param>
/// <param name="RestShare">Width 0 over layer.</param>
internal sealed record BatchOverhead(
    string Shape, string Format, int Threads, int Tokens, double LayerMilliseconds, double RouteMilliseconds, double RestMilliseconds, double RouteShare, double RestShare)
{
    private const double LargestShare = 0.03;

    // Whole panels of every kernel, so that the products take time in proportion.
    private const int Narrow = 64;

    public Bar Bar() => new(3, Shape, Format, Threads, Tokens, "routing + plan + combine <= 3 % of the layer", RestShare, RestShare <= LargestShare);

    /// <summary>Measures; experts have random weights.</summary>
    public static BatchOverhead Measure(LayerWeights weights, DynamicMoELayer layer, int threads, int tokens, int repetitions, TimeSpan budget)
    {
        var batches = new TokenBatches(new TokenPool(weights, tokens), tokens);
        using DynamicMoELayer one = OfWidth(weights, Narrow), two = OfWidth(weights, 2 * Narrow);
        using DynamicMoERun layerRun = layer.Prepare(batches, threads), routeRun = layer.Prepare(batches, threads);
        using DynamicMoERun oneRun = one.Prepare(batches, threads), twoRun = two.Prepare(batches, threads);
        double[][] seconds = new AlternatingTimer([layerRun, new RouteOnly(routeRun), oneRun, twoRun], batches.Count, repetitions, budget).Run();

        // Twice the width takes twice the time for products and the same for the rest.
        double[] rest = [.. seconds[2].Zip(seconds[3], (narrow, wide) => (2 * narrow) - wide)];
        return new BatchOverhead(
            weights.Shape.Name,
            WeightFormats.Name(weights.Format),
            threads,
            tokens,
            1000 * CellArithmetic.Median(seconds[0]),
            1000 * CellArithmetic.Median(seconds[1]),
            1000 * CellArithmetic.Median(rest),
            CellArithmetic.MedianQuotient(seconds[1], seconds[0]),
            CellArithmetic.MedianQuotient(rest, seconds[0]));
    }

    // The router's weights do not depend on the width, so that all layers route alike.
    private static DynamicMoELayer OfWidth(LayerWeights weights, int width)
    {
        var narrow = new LayerWeights(weights.Shape with { Width = width }, weights.Format, weights.Seed);
        var layer = new DynamicMoELayer(narrow);
        narrow.ForEach(layer.SetExpert);
        return layer;
    }

    private sealed class RouteOnly(DynamicMoERun run) : IPreparedLayer
    {
        public void Run(int batch) => run.Route(batch);

        public void CopyOutput(Span<float> output) => run.CopyOutput(output);

        public void Dispose() => run.Dispose();
    }
}
