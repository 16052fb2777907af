namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>
/// Time of a layer on a card, from its data sheet and the kernels' occupancy. A model: nothing of it was measured on a GPU. A launch takes
/// max(operations / (peak * share), bytes / bandwidth, launch), and a layer the sum of its launches.
/// </summary>
/// <param name="card">The card.</param>
/// <param name="kernels">What a block of each kernel takes there.</param>
internal sealed class CudaLayerModel(CudaCard card, CudaKernels kernels)
{
    /// <summary>Least time of a launch inside a CUDA graph, an assumption of the model.</summary>
    public const double LaunchSeconds = 1.5e-6;

    /// <summary>The layer's launches in order.</summary>
    public IEnumerable<CudaOpTime> Launches(LayerShape shape, WeightFormat format, int tokens) =>
        CudaLayerOps.Of(shape, format, tokens).Select(Time);

    /// <summary>Seconds of the whole layer.</summary>
    public double Seconds(LayerShape shape, WeightFormat format, int tokens) => Launches(shape, format, tokens).Sum(launch => launch.Seconds);

    private CudaOpTime Time(CudaOp op)
    {
        // Blocks run in waves of as many as fit; the last wave leaves multiprocessors idle.
        double atOnce = (double)card.Multiprocessors * kernels.BlocksAtOnce(card.Architecture, op.Name);
        double waves = op.Tiles / atOnce;
        double share = op.Fill * waves / Math.Ceiling(waves);
        double peak = op.Tensor ? card.TensorFlops : card.Float32Flops;
        return new CudaOpTime(op, op.Flops / (peak * share), op.Bytes / card.BytesPerSecond, LaunchSeconds, share);
    }
}
