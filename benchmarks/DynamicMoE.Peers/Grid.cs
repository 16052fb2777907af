namespace DynamicMoE.Peers;

/// <summary>Goes through the cells.</summary>
/// <param name="Shapes">Shapes.</param>
/// <param name="WeightFormats">Formats.</param>
/// <param name="Threads">Thread counts.</param>
/// <param name="Tokens">Batch sizes.</param>
/// <param name="Repetitions">Repetitions that each median is taken of.</param>
/// <param name="Seed">Seed of weights and tokens.</param>
internal sealed record Grid(
    IReadOnlyList<LayerShape> Shapes,
    IReadOnlyList<WeightFormat> WeightFormats,
    IReadOnlyList<int> Threads,
    IReadOnlyList<int> Tokens,
    int Repetitions,
    ulong Seed)
{
    // T = 1 rotates over this many tokens at least.
    private const int SmallestPool = 64;

    /// <summary>Measures, one cell after another.</summary>
    public IEnumerable<CellResult> Run()
    {
        foreach (LayerShape shape in Shapes)
        {
            foreach (WeightFormat format in WeightFormats)
            {
                var weights = new LayerWeights(shape, format, Seed);
                var pool = new TokenPool(weights, Math.Max(SmallestPool, Tokens.Max()));
                using var ours = new DynamicMoELayer(weights);
                using var torch = new TorchSharpLayer(weights);
                foreach (int threads in Threads)
                {
                    foreach (int tokens in Tokens)
                    {
                        yield return Cell(weights, TokenBatches.Of(pool, tokens), threads, [ours, torch]);
                    }
                }
            }
        }
    }

    // The first implementation is ours.
    private CellResult Cell(LayerWeights weights, TokenBatches batches, int threads, IReadOnlyList<IImplementation> implementations)
    {
        IPreparedLayer[] layers = [.. implementations.Select(implementation => implementation.Prepare(batches, threads))];
        try
        {
            double[] errors = [.. layers.Select((layer, i) => OutputCheck.Run(implementations[i].Name, layer, batches, weights))];
            double[][] seconds = new AlternatingTimer(layers, batches.Count, Repetitions).Run();
            Timing[] timings = [.. seconds.Select((s, i) => new Timing(1000 * Median(s), 1000 * s.Min(), errors[i]))];
            PeerTiming[] peers =
            [
                .. implementations.Skip(1).Select((peer, i) =>
                    new PeerTiming(peer.Name, timings[i + 1], Median(seconds[i + 1].Zip(seconds[0], (theirs, own) => theirs / own)))),
            ];
            return Result(weights, batches, threads, timings[0], peers);
        }
        finally
        {
            foreach (IPreparedLayer layer in layers)
            {
                layer.Dispose();
            }
        }
    }

    private static CellResult Result(LayerWeights weights, TokenBatches batches, int threads, Timing ours, PeerTiming[] peers)
    {
        LayerShape shape = weights.Shape;
        double experts = Enumerable.Range(0, batches.Count).Average(b => batches.Pool.DistinctExperts(b * batches.Tokens, batches.Tokens));
        double bytes = experts * shape.WeightsPerExpert * Formats.BytesPerWeight(weights.Format);
        double seconds = ours.Milliseconds / 1000;
        return new CellResult(
            shape.Name,
            Formats.Name(weights.Format),
            threads,
            batches.Tokens,
            experts,
            ours,
            batches.Tokens * shape.FlopsPerToken / seconds / 1e9,
            bytes / seconds / 1e9,
            peers,
            peers.Min(peer => peer.Ratio));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
