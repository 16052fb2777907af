namespace DynamicMoE.Benchmarks.Concurrency;

/// <summary>The layer that all threads call, with random weights and static top-k routing; once with one thread per call and once with the pool's.</summary>
internal sealed class SharedLayer : IDisposable
{
    private readonly ExpertBank _bank;
    private readonly RoutedLayer _pooled;
    private readonly RoutedLayer _serial;

    public SharedLayer(LayerShape shape, WeightFormat format, int tokens)
    {
        Shape = shape;
        Tokens = tokens;
        _bank = ExpertBank.CreateRandom(
            new ExpertBankOptions { NumExperts = shape.Experts, Hidden = shape.Hidden, Width = shape.Width, Format = format }, seed: 2);
        _pooled = new RoutedLayer(shape, _bank, threads: 0);
        _serial = new RoutedLayer(shape, _bank, threads: 1);
    }

    public LayerShape Shape { get; }

    public int Tokens { get; }

    /// <param name="threads">1, or 0 for what the pool gives.</param>
    public MoELayer With(int threads) => (threads == 1 ? _serial : _pooled).Layer;

    public void Dispose()
    {
        _serial.Dispose();
        _pooled.Dispose();
        _bank.Dispose();
    }

    private sealed class RoutedLayer : IDisposable
    {
        private readonly GateWeights _gate;
        private readonly DynamicRouter _router;

        public RoutedLayer(LayerShape shape, ExpertBank bank, int threads)
        {
            int k = shape.ExpertsPerToken;
            _gate = GateWeights.CreateRandom(
                new GateOptions { InputDim = shape.Hidden, NumExperts = shape.Experts, TrainedExperts = k, Threads = threads }, seed: 1);
            _router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = k, ComplexityEstimator = ComplexityEstimators.RouterMargin });
            Layer = new MoELayer(_router, bank, new MoELayerOptions { Threads = threads });
        }

        public MoELayer Layer { get; }

        public void Dispose()
        {
            Layer.Dispose();
            _router.Dispose();
            _gate.Dispose();
        }
    }
}
