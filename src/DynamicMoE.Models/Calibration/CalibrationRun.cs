namespace DynamicMoE.Models;

/// <summary>Lets calibrators see what each layer sees, while the model routes as it was trained.</summary>
internal sealed class CalibrationRun(IReadOnlyList<MoEBlock> blocks, IReadOnlyList<EstimatorChoice>? estimators) : IRoutingSource
{
    private readonly LayerCalibrator[] _layers = [.. blocks.Select(block => new LayerCalibrator(block.TrainedRouter, block.Layer, estimators))];

    public int MostExperts { get; } = blocks[0].Config.PerToken;

    public void Next(ReadOnlySpan<int> tokens, int position)
    {
    }

    public RoutingReport Run(int index, MoEBlock block, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingBuffers buffers)
    {
        _layers[index].Observe(x, tokens);
        return block.ForwardAsTrained(x, tokens, y, buffers);
    }

    /// <exception cref="ConvergenceException">A layer saw too little; names it.</exception>
    public CalibrationTable Finish(ModelHash model) => new(model, [.. _layers.Select(layer => layer.Finish())]);
}
