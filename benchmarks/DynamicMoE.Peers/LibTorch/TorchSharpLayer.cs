using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DynamicMoE.Peers.LibTorch;

/// <summary>
/// The loop over experts of Hugging Face's Mixtral block, in TorchSharp: everything in the format of the weights, softmax in float32. The host
/// groups the routes by expert, which takes less time than that block's one-hot mask; products are multiplied in place.
/// </summary>
internal sealed class TorchSharpLayer : IImplementation
{
    private readonly LayerShape _shape;
    private readonly ScalarType _type;
    private readonly Tensor _router;
    private readonly Expert?[] _experts;

    public TorchSharpLayer(LayerWeights weights)
    {
        _shape = weights.Shape;
        _type = weights.Format == WeightFormat.Float32 ? ScalarType.Float32 : ScalarType.BFloat16;
        _router = Copy(weights.Router, _shape.Experts, _shape.Hidden, _type);
        _experts = new Expert?[_shape.Experts];
    }

    public string Name => "torchsharp";

    public void SetExpert(int index, ExpertMatrices expert) => _experts[index] = new Expert(expert, _type);

    public IPreparedLayer Prepare(TokenBatches batches, int threads)
    {
        set_num_threads(threads);
        return new Prepared(this, batches);
    }

    public void Dispose()
    {
        _router.Dispose();
        foreach (Expert? expert in _experts)
        {
            expert?.Dispose();
        }
    }

    private static Tensor Copy(WeightMatrix matrix, ScalarType type) => Copy(matrix.Values, matrix.Rows, matrix.Columns, type);

    // Into memory of libtorch's own, which is aligned as its kernels like it.
    private static Tensor Copy(float[] values, long rows, long columns, ScalarType type)
    {
        using Tensor source = tensor(values, [rows, columns]);
        return empty([rows, columns], type).copy_(source);
    }

    private Tensor Forward(Tensor hidden)
    {
        Tensor logits = functional.linear(hidden, _router);
        Tensor probabilities = functional.softmax(logits, -1, ScalarType.Float32);
        (Tensor top, Tensor indices) = probabilities.topk(_shape.ExpertsPerToken, -1);
        top.div_(top.sum(-1, keepdim: true));
        Tensor weights = top.to(_type).reshape(-1);
        List<long>[] slots = Group(indices);
        Tensor output = zeros_like(hidden);
        for (int expert = 0; expert < slots.Length; expert++)
        {
            if (slots[expert].Count > 0)
            {
                Add(_experts[expert]!, hidden, weights, slots[expert], output);
            }
        }

        return output;
    }

    // Slot t * k + i is the i-th choice of token t.
    private List<long>[] Group(Tensor indices)
    {
        var slots = new List<long>[_shape.Experts];
        for (int expert = 0; expert < slots.Length; expert++)
        {
            slots[expert] = [];
        }

        long slot = 0;
        foreach (long expert in indices.data<long>())
        {
            slots[expert].Add(slot++);
        }

        return slots;
    }

    private void Add(Expert expert, Tensor hidden, Tensor weights, List<long> slots, Tensor output)
    {
        Tensor rows = tensor(slots.Select(slot => slot / _shape.ExpertsPerToken).ToArray());
        Tensor input = hidden.index_select(0, rows);
        Tensor inner = functional.silu(functional.linear(input, expert.Gate)).mul_(functional.linear(input, expert.Up));
        Tensor result = functional.linear(inner, expert.Down).mul_(weights.index_select(0, tensor(slots.ToArray())).unsqueeze(-1));
        output.index_add_(0, rows, result, 1);
    }

    private sealed class Expert(ExpertMatrices weights, ScalarType type) : IDisposable
    {
        public Tensor Gate { get; } = Copy(weights.Gate, type);

        public Tensor Up { get; } = Copy(weights.Up, type);

        public Tensor Down { get; } = Copy(weights.Down, type);

        public void Dispose()
        {
            Gate.Dispose();
            Up.Dispose();
            Down.Dispose();
        }
    }

    private sealed class Prepared(TorchSharpLayer layer, TokenBatches batches) : IPreparedLayer
    {
        private readonly Tensor[] _inputs =
            [.. Enumerable.Range(0, batches.Count).Select(batch => Copy(batches.Batch(batch), batches.Tokens, layer._shape.Hidden, layer._type))];

        private Tensor? _output;

        public void Run(int batch)
        {
            using IDisposable inference = inference_mode();
            using DisposeScope scope = NewDisposeScope();
            _output?.Dispose();
            _output = layer.Forward(_inputs[batch]).DetachFromDisposeScope();
        }

        public void CopyOutput(Span<float> output)
        {
            using Tensor wide = _output!.to(ScalarType.Float32);
            wide.data<float>().ToArray().CopyTo(output);
        }

        public void Dispose()
        {
            _output?.Dispose();
            foreach (Tensor input in _inputs)
            {
                input.Dispose();
            }
        }
    }
}
