using DynamicMoE.TestKit.Experts;

namespace DynamicMoE.Peers;

/// <summary>This library, with static top-k routing and renormalised weights.</summary>
internal sealed class DynamicMoELayer : IImplementation
{
    private readonly LayerWeights _weights;
    private readonly ExpertBank _bank;

    public DynamicMoELayer(LayerWeights weights)
    {
        LayerShape shape = weights.Shape;
        _weights = weights;
        _bank = ExpertBank.Create(new ExpertBankOptions
        {
            NumExperts = shape.Experts,
            Hidden = shape.Hidden,
            Width = shape.Width,
            Format = weights.Format,
        });
        for (int index = 0; index < weights.Count; index++)
        {
            ReferenceExpert expert = weights[index];
            _bank.SetExpert(index, ExpertWeights.FromFloat32(expert.Gate, expert.Up, expert.Down));
        }
    }

    public string Name => "dynamicmoe";

    public IPreparedLayer Prepare(TokenBatches batches, int threads) => new Prepared(_weights, _bank, batches, threads);

    public void Dispose() => _bank.Dispose();

    private sealed class Prepared : IPreparedLayer
    {
        private readonly GateWeights _gate;
        private readonly DynamicRouter _router;
        private readonly MoELayer _layer;
        private readonly int _tokens;
        private readonly float[][] _inputs;
        private readonly float[] _output;

        public Prepared(LayerWeights weights, ExpertBank bank, TokenBatches batches, int threads)
        {
            LayerShape shape = weights.Shape;
            _gate = GateWeights.Create(weights.Gate, [], new GateOptions
            {
                InputDim = shape.Hidden,
                NumExperts = shape.Experts,
                TrainedExperts = shape.ExpertsPerToken,
                Threads = threads,
            });
            _router = new DynamicRouter(_gate, new DynamicRouterOptions
            {
                MinExperts = shape.ExpertsPerToken,
                ComplexityEstimator = ComplexityEstimators.RouterMargin,
            });
            _layer = new MoELayer(_router, bank, new MoELayerOptions { Threads = threads });
            _tokens = batches.Tokens;
            _inputs = [.. Enumerable.Range(0, batches.Count).Select(batches.Batch)];
            _output = new float[batches.Tokens * shape.Hidden];
        }

        public void Run(int batch) => _layer.Forward(_inputs[batch], _tokens, _output);

        public void CopyOutput(Span<float> output) => _output.CopyTo(output);

        public void Dispose()
        {
            _layer.Dispose();
            _router.Dispose();
            _gate.Dispose();
        }
    }
}
