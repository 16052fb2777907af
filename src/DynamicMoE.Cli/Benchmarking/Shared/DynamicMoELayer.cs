namespace DynamicMoE.Cli.Benchmarking;

/// <summary>This library: weighted sum of SwiGLU experts, softmax gate, weights renormalised over the chosen experts; static top-k unless a run says otherwise.</summary>
internal sealed class DynamicMoELayer : IDisposable
{
    // Larger batches would run in chunks.
    private const int DefaultMaxTokens = 512;

    private readonly LayerShape _shape;
    private readonly ReadOnlyMemory<float> _router;
    private readonly ExpertBank _bank;

    public DynamicMoELayer(LayerWeights weights)
    {
        _shape = weights.Shape;
        _router = weights.Router;
        _bank = ExpertBank.Create(new ExpertBankOptions
        {
            NumExperts = _shape.Experts,
            Hidden = _shape.Hidden,
            Width = _shape.Width,
            Format = weights.Format,
        });
    }

    public void SetExpert(int index, ExpertMatrices expert) =>
        _bank.SetExpert(index, ExpertWeights.FromFloat32(expert.Gate.Values, expert.Up.Values, expert.Down.Values));

    /// <summary>Makes the layer ready for static top-k.</summary>
    public DynamicMoERun Prepare(TokenBatches batches, int threads) => Prepare(
        batches, threads, new DynamicRouterOptions { MinExperts = _shape.ExpertsPerToken, ComplexityEstimator = ComplexityEstimators.RouterMargin }, null);

    /// <summary>Makes the layer ready for static top-k on a device.</summary>
    public DynamicMoERun Prepare(TokenBatches batches, int threads, CudaDevice device) => Prepare(
        batches, threads, new DynamicRouterOptions { MinExperts = _shape.ExpertsPerToken, ComplexityEstimator = ComplexityEstimators.RouterMargin }, null, device);

    /// <summary>Makes the layer ready.</summary>
    /// <param name="batches">Tokens.</param>
    /// <param name="threads">Most threads of a call.</param>
    /// <param name="routing">How experts are chosen.</param>
    /// <param name="contexts">What the router is told of each batch, or null.</param>
    /// <param name="device">Where it computes; null = on the processor.</param>
    public DynamicMoERun Prepare(
        TokenBatches batches, int threads, DynamicRouterOptions routing, RoutingContext[]? contexts, CudaDevice? device = null)
    {
        GateWeights gate = GateWeights.Create(_router.Span, [], new GateOptions
        {
            InputDim = _shape.Hidden,
            NumExperts = _shape.Experts,
            TrainedExperts = _shape.ExpertsPerToken,
            MaxTokens = Math.Max(DefaultMaxTokens, batches.Tokens),
            Threads = threads,
        });
        var router = new DynamicRouter(gate, routing);
        var layer = new MoELayer(router, _bank, new MoELayerOptions
        {
            MaxTokens = Math.Max(DefaultMaxTokens, batches.Tokens), Threads = threads, CudaDevice = device,
        });
        return new DynamicMoERun(gate, router, layer, batches, contexts);
    }

    public void Dispose() => _bank.Dispose();
}

/// <summary>The layer with tokens in memory; a call allocates nothing.</summary>
internal sealed class DynamicMoERun(GateWeights gate, DynamicRouter router, MoELayer layer, TokenBatches batches, RoutingContext[]? contexts)
    : IPreparedLayer
{
    private readonly float[][] _inputs = [.. Enumerable.Range(0, batches.Count).Select(batches.Batch)];
    private readonly float[] _output = new float[batches.Tokens * gate.InputDim];
    private readonly RoutingBuffers _routes = new(batches.Tokens, router.MaxExperts, router.NumExperts, withLogits: false);

    public void Run(int batch) => Forward(batch);

    /// <summary>Runs one batch and says what was routed.</summary>
    public RoutingReport Forward(int batch) => layer.Forward(_inputs[batch], batches.Tokens, _output, _routes, contexts?[batch]);

    /// <summary>Runs a batch in device memory.</summary>
    public Task<RoutingReport> ForwardAsync(DeviceForward batch) => layer.ForwardAsync(batch);

    /// <summary>Routes one batch, without experts.</summary>
    public void Route(int batch) => router.Route(_inputs[batch], batches.Tokens, _routes, contexts?[batch]);

    /// <summary>Logit of the first choice minus that of the second, for each token of a batch. The router allows two experts or more.</summary>
    public IEnumerable<double> SecondGaps(int batch)
    {
        Route(batch);
        return [.. Enumerable.Range(0, batches.Tokens).Select(token => (double)_routes.Gaps[(token * _routes.Slots) + 1])];
    }

    public void CopyOutput(Span<float> output) => _output.CopyTo(output);

    public void Dispose()
    {
        layer.Dispose();
        router.Dispose();
        gate.Dispose();
    }
}
