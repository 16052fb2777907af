namespace DynamicMoE.Cli.Benchmarking;

/// <summary>One cell to measure.</summary>
/// <param name="Shape">The layer.</param>
/// <param name="Format">Format of the weights.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="Threads">Most threads of a call, at least 1.</param>
/// <param name="Repetitions">Repetitions that the median is taken of, at most.</param>
/// <param name="Seed">Seed of weights and tokens.</param>
internal sealed record LayerRequest(LayerShape Shape, WeightFormat Format, int Tokens, int Threads, int Repetitions, ulong Seed);

/// <summary>Measures our layer alone.</summary>
internal static class LayerBench
{
    /// <summary>Time for all repetitions of a cell.</summary>
    public static readonly TimeSpan CellBudget = TimeSpan.FromSeconds(8);

    /// <param name="request">What to measure.</param>
    /// <param name="measure">Measures the machine's limits at a number of threads.</param>
    public static LayerCell Run(LayerRequest request, Func<int, LayerLimits> measure)
    {
        RuntimeInfo info = RuntimeInfo.Query();
        if (request.Threads > info.PoolThreads)
        {
            NativeLibraryOptions.SetThreads(request.Threads);
        }

        double? load = BenchMachine.Load();
        LayerLimits limits = measure(request.Threads);
        var weights = new LayerWeights(request.Shape, request.Format, request.Seed);
        var batches = new TokenBatches(new TokenPool(weights, request.Tokens), request.Tokens);
        using var layer = new DynamicMoELayer(weights);
        weights.ForEach(layer.SetExpert);
        using DynamicMoERun run = layer.Prepare(batches, request.Threads);
        double[] seconds = new AlternatingTimer([run], batches.Count, request.Repetitions, CellBudget).Run()[0];
        return CellArithmetic.Cell(weights, batches, seconds, info.L3Bytes, limits) with { Load = load, Machine = BenchMachine.Of(info) };
    }
}
