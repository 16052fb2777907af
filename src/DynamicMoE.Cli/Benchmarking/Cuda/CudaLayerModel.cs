namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>
/// Time of a layer on a card, from its data sheet and the kernels' occupancy. A model: nothing of it was measured on a GPU. A launch takes
/// max(operations / (peak * share), bytes / reachable bandwidth, launch), and a layer the sum of its launches.
/// </summary>
/// <param name="card">The card.</param>
/// <param name="kernels">What a block of each kernel takes there.</param>
internal sealed class CudaLayerModel(CudaCard card, CudaKernels kernels)
{
    /// <summary>Least time of a launch inside a CUDA graph, an assumption of the model.</summary>
    public const double LaunchSeconds = 1.5e-6;

    /// <summary>Latency of device memory, an assumption of the model.</summary>
    public const double LatencySeconds = 0.6e-6;

    private const int BytesPerThread = 16;

    /// <summary>The layer's launches in order.</summary>
    public IEnumerable<CudaOpTime> Launches(LayerShape shape, WeightFormat format, int tokens) =>
        CudaLayerOps.Of(shape, format, tokens, card.Multiprocessors).Select(Time);

    /// <summary>Seconds of the whole layer.</summary>
    public double Seconds(LayerShape shape, WeightFormat format, int tokens) => Launches(shape, format, tokens).Sum(launch => launch.Seconds);

    private CudaOpTime Time(CudaOp op)
    {
        BlockUse use = kernels.Use(card.Architecture, op.Name);
        use = use with { SharedBytes = use.SharedBytes + op.DynamicBytes };

        // A multiprocessor's time is that of its blocks; those with one block more than others end last.
        double perMultiprocessor = op.Tiles / card.Multiprocessors;
        double share = op.Fill * perMultiprocessor / Math.Ceiling(perMultiprocessor);

        // Bandwidth needs bytes under way (Little's law): what resident blocks have asked for, in shared memory or 16 bytes per thread.
        double resident = Math.Min(op.Tiles, (double)card.Multiprocessors * CudaOccupancy.Blocks(card.Architecture, use));
        double underWay = resident * (op.UnderWayBytes ?? Math.Max(use.SharedBytes, use.Threads * BytesPerThread));
        double bandwidth = card.BytesPerSecond * Math.Min(1, underWay / (card.BytesPerSecond * LatencySeconds));
        double peak = op.Tensor ? card.TensorFlops : card.Float32Flops;
        return new CudaOpTime(op, op.Flops / (peak * share), op.Bytes / bandwidth, LaunchSeconds, share);
    }
}
