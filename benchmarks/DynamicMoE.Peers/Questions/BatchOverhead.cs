using DynamicMoE.Peers.Bars;

namespace DynamicMoE.Peers.Questions;

/// <summary>How much of a large batch's time is not expert work.</summary>
/// <param name="Shape">The layer.</param>
/// <param name="Format">Format of the weights.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="LayerMilliseconds">The layer, median.</param>
/// <param name="RouteMilliseconds">Its router alone, median.</param>
/// <param name="RestMilliseconds">The same layer with experts of width 1, median: routing, plan, gathering and combining, and what remains of the products.</param>
/// <param name="RouteShare">Router over layer.</param>
/// <param name="RestShare">Layer of width 1 over layer: an upper bound of the share of routing, plan and combine.</param>
internal sealed record BatchOverhead(
    string Shape, string Format, int Threads, int Tokens, double LayerMilliseconds, double RouteMilliseconds, double RestMilliseconds, double RouteShare, double RestShare)
{
    private const double LargestShare = 0.03;

    public Bar Bar() => new(3, Shape, Format, Threads, Tokens, "routing + plan + combine <= 3 % of the layer", RestShare, RestShare <= LargestShare);

    /// <summary>Measures; experts have random weights.</summary>
    public static BatchOverhead Measure(LayerWeights weights, DynamicMoELayer layer, int threads, int tokens, int repetitions, TimeSpan budget)
    {
        // The router's weights do not depend on the width, so that both layers route alike.
        var narrow = new LayerWeights(weights.Shape with { Width = 1 }, weights.Format, weights.Seed);
        var batches = new TokenBatches(new TokenPool(weights, tokens), tokens);
        using var rest = new DynamicMoELayer(narrow);
        narrow.ForEach(rest.SetExpert);
        using DynamicMoERun layerRun = layer.Prepare(batches, threads), routeRun = layer.Prepare(batches, threads), restRun = rest.Prepare(batches, threads);
        double[][] seconds = new AlternatingTimer([layerRun, new RouteOnly(routeRun), restRun], batches.Count, repetitions, budget).Run();
        return new BatchOverhead(
            weights.Shape.Name,
            LayerFormats.Name(weights.Format),
            threads,
            tokens,
            1000 * CellArithmetic.Median(seconds[0]),
            1000 * CellArithmetic.Median(seconds[1]),
            1000 * CellArithmetic.Median(seconds[2]),
            CellArithmetic.MedianQuotient(seconds[1], seconds[0]),
            CellArithmetic.MedianQuotient(seconds[2], seconds[0]));
    }

    private sealed class RouteOnly(DynamicMoERun run) : IPreparedLayer
    {
        public void Run(int batch) => run.Route(batch);

        public void CopyOutput(Span<float> output) => run.CopyOutput(output);

        public void Dispose() => run.Dispose();
    }
}
