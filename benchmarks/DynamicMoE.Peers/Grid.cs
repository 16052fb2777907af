using DynamicMoE.Peers.Checks;

namespace DynamicMoE.Peers;

/// <summary>Goes through the cells of some shapes and formats.</summary>
/// <param name="Layers">Shapes, each with a format.</param>
/// <param name="Threads">Thread counts.</param>
/// <param name="Tokens">Batch sizes.</param>
/// <param name="Repetitions">Repetitions that each median is taken of, at most.</param>
/// <param name="CellBudget">Time for all repetitions of a cell.</param>
/// <param name="Attempts">Times that a cell is measured at most while limits before and after it differ.</param>
/// <param name="Seed">Seed of weights and tokens.</param>
internal sealed record Grid(
    IReadOnlyList<(LayerShape Shape, WeightFormat Format)> Layers,
    IReadOnlyList<int> Threads,
    IReadOnlyList<int> Tokens,
    int Repetitions,
    TimeSpan CellBudget,
    int Attempts,
    ulong Seed)
{
    // The clock and the bandwidth of a virtual machine change within seconds: a cell counts with what was measured on both sides of it, and where
    // these are further apart it is measured again. Which attempt is kept depends on the limits alone, never on a layer's time.
    private const double MostDrift = 0.05;
    private static readonly TimeSpan LimitsBudget = TimeSpan.FromSeconds(1);

    /// <summary>Measures, one cell after another.</summary>
    public IEnumerable<LayerCell> Run()
    {
        foreach ((LayerShape shape, WeightFormat format) in Layers)
        {
            var weights = new LayerWeights(shape, format, Seed);
            var pool = new TokenPool(weights, Tokens.Max());
            using var ours = new DynamicMoELayer(weights);
            using var peers = new PeerList(weights);
            var reference = new ReferenceOutputs(weights, pool);
            weights.ForEach((index, expert) =>
            {
                ours.SetExpert(index, expert);
                peers.SetExpert(index, expert);
                reference.AddExpert(index, expert);
            });
            foreach (int threads in Threads)
            {
                foreach (int tokens in Tokens)
                {
                    yield return Cell(weights, new TokenBatches(pool, tokens), ours, peers, reference, threads);
                }
            }
        }
    }

    private LayerCell Cell(
        LayerWeights weights, TokenBatches batches, DynamicMoELayer ours, PeerList peers, ReferenceOutputs reference, int threads)
    {
        double Check(string name, IPreparedLayer layer) => OutputCheck.Run(name, layer, batches, weights, reference);
        double? load = BenchMachine.Load();
        using DynamicMoERun run = ours.Prepare(batches, threads);
        double error = Check("dynamicmoe", run);
        using PreparedPeers others = peers.Prepare(batches, threads, Check);
        var timer = new AlternatingTimer([run, .. others.Ready.Select(peer => peer.Layer)], batches.Count, Repetitions, CellBudget);
        (double[][] seconds, LayerLimits limits) = BetweenLimits(timer, threads, weights.Format);
        PeerTiming[] timings = [.. others.Ready.Select((peer, i) => CellArithmetic.Peer(peer.Name, seconds[i + 1], seconds[0], peer.RelativeError))];
        return CellArithmetic.Cell(weights, batches, seconds[0], RuntimeInfo.Query().L3Bytes, limits) with
        {
            Peers = timings,
            RatioToFastestPeer = timings.Length == 0 ? null : timings.Min(peer => peer.Ratio),
            Refused = others.Refused,
            RelativeError = error,
            Load = load,
        };
    }

    private (double[][] Seconds, LayerLimits Limits) BetweenLimits(AlternatingTimer timer, int threads, WeightFormat format)
    {
        (double[][] Seconds, LayerLimits Limits) steadiest = default;
        double least = double.PositiveInfinity;
        LayerLimits before = LayerLimits.Measure(threads, LimitsBudget);
        for (int attempt = 0; attempt < Attempts && least > MostDrift; attempt++)
        {
            double[][] seconds = timer.Run();
            LayerLimits after = LayerLimits.Measure(threads, LimitsBudget);
            double drift = LayerLimits.Drift(before, after, format);
            if (drift < least)
            {
                least = drift;
                steadiest = (seconds, LayerLimits.Between(before, after));
            }

            before = after;
        }

        return steadiest;
    }
}
