using DynamicMoE.Cli.Models;
using DynamicMoE.Peers.Bars;

namespace DynamicMoE.Peers.Questions;

/// <summary>Whether experts that a token does not use save their time: 1.5 experts per token on average against 2 for all.</summary>
/// <param name="Shape">The layer, with k = 2.</param>
/// <param name="Format">Format of the weights.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="Rule">"counts": every other token has one expert; "threshold": a token keeps its second expert where the router is in doubt.</param>
/// <param name="MeanExperts">Experts per token that were used.</param>
/// <param name="StaticMilliseconds">Time per batch with two experts, median.</param>
/// <param name="DynamicMilliseconds">Time per batch, median.</param>
/// <param name="Quotient">Dynamic over static.</param>
internal sealed record DynamicCount(
    string Shape, string Format, int Threads, int Tokens, string Rule, double MeanExperts, double StaticMilliseconds, double DynamicMilliseconds, double Quotient)
{
    private const double LargestQuotient = 0.80;

    public Bar Bar() => new(
        4, Shape, Format, Threads, Tokens, $"time at {Rule} of 1.5 on average <= 0.80 of static k = 2", Quotient, Quotient <= LargestQuotient);

    /// <summary>Measures both rules beside the static one.</summary>
    public static IEnumerable<DynamicCount> Measure(LayerWeights weights, DynamicMoELayer layer, int threads, int tokens, int repetitions, TimeSpan budget)
    {
        var batches = new TokenBatches(new TokenPool(weights, tokens), tokens);
        using DynamicMoERun two = layer.Prepare(batches, threads), counts = Counts(layer, batches, threads), threshold = Threshold(layer, batches, threads, two);
        double[][] seconds = new AlternatingTimer([two, counts, threshold], batches.Count, repetitions, budget).Run();
        yield return Row("counts", counts, seconds[1]);
        yield return Row("threshold", threshold, seconds[2]);

        DynamicCount Row(string rule, DynamicMoERun run, double[] times) => new(
            weights.Shape.Name,
            WeightFormats.Name(weights.Format),
            threads,
            tokens,
            rule,
            Enumerable.Range(0, batches.Count).Average(batch => run.Forward(batch).MeanExpertsPerToken),
            1000 * CellArithmetic.Median(seconds[0]),
            1000 * CellArithmetic.Median(times),
            CellArithmetic.MedianQuotient(times, seconds[0]));
    }

    // Counts alternate over the tokens of a batch, or over batches of one token.
    private static DynamicMoERun Counts(DynamicMoELayer layer, TokenBatches batches, int threads) => layer.Prepare(
        batches,
        threads,
        new DynamicRouterOptions { MinExperts = 1, ComplexityEstimator = ComplexityEstimators.RouterMargin },
        [.. Enumerable.Range(0, batches.Count).Select(batch => new RoutingContext
        {
            ExpertCounts = Enumerable.Range(batch * batches.Tokens, batches.Tokens).Select(token => 1 + (token % 2)).ToArray(),
        })]);

    // The threshold that half of the tokens pass.
    private static DynamicMoERun Threshold(DynamicMoELayer layer, TokenBatches batches, int threads, DynamicMoERun probe)
    {
        double[] gaps = [.. Enumerable.Range(0, batches.Count).SelectMany(batch => probe.SecondGaps(batch))];
        var options = new DynamicRouterOptions
        {
            MinExperts = 1, Strategy = RoutingStrategy.Threshold, Tau = (float)Math.Exp(-CellArithmetic.Median(gaps)),
        };
        return layer.Prepare(batches, threads, options, null);
    }
}
