namespace DynamicMoE.Models;

/// <summary>Routes one layer with a single expert per token and the others as they were trained.</summary>
internal sealed class SensitivityRun : IRoutingSource, IDisposable
{
    private readonly IReadOnlyList<MoEBlock> _blocks;
    private RoutedLayer? _single;
    private int _reduced = -1;

    public SensitivityRun(IReadOnlyList<MoEBlock> blocks)
    {
        _blocks = blocks;
        MostExperts = blocks[0].Config.PerToken;
    }

    public int MostExperts { get; }

    /// <summary>Takes the experts of the i-th block away, and gives those of the block before back; -1 = all as trained.</summary>
    public void Reduce(int index)
    {
        _single?.Dispose();
        _single = null;
        _reduced = index;
        if (index >= 0)
        {
            MoEBlock block = _blocks[index];
            _single = block.Build(new DynamicRouterOptions
            {
                MinExperts = 1,
                MaxExperts = 1,
                Weighting = block.Config.Weighting,
                ComplexityEstimator = ComplexityEstimators.RouterMargin,
            });
        }
    }

    public void Next(ReadOnlySpan<int> tokens, int position)
    {
    }

    public RoutingReport Run(int index, MoEBlock block, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingBuffers buffers) =>
        index == _reduced
            ? _single!.Layer.Forward(x, tokens, y, buffers)
            : block.ForwardAsTrained(x, tokens, y, buffers);

    public void Dispose() => _single?.Dispose();
}
