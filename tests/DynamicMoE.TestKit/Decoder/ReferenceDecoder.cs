using DynamicMoE.TestKit.Attention;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Decoder;

/// <summary>What a run produced.</summary>
/// <param name="Logits"><c>[tokens, vocabulary]</c>.</param>
/// <param name="Routes">Per layer; null for dense layers.</param>
public sealed record DecoderTrace(double[] Logits, ReferenceRoutes?[] Routes);

/// <summary>A decoder in double precision that recomputes everything from position 0: no cache, no fused step.</summary>
/// <param name="settings">The checkpoint's numbers.</param>
/// <param name="tensors">Tensors under their checkpoint names.</param>
/// <param name="bf16">Rounds both operands of every product but the gates' to bfloat16 (nearest even), where the bf16 format does; sums stay double.</param>
public sealed class ReferenceDecoder(DecoderSettings settings, IReadOnlyDictionary<string, ReferenceTensor> tensors, bool bf16 = false)
{
    private readonly DecoderSettings _s = settings;

    /// <summary>The rule of training: k fixed, weights by norm_topk_prob.</summary>
    public RouteRules StaticRules => new()
    {
        MinExperts = _s.TrainedExperts,
        MaxExperts = _s.TrainedExperts,
        Weighting = _s.NormalizeTopK ? ReferenceWeighting.TrainedScale : ReferenceWeighting.Raw,
    };

    /// <summary>Runs a sequence from position 0.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="rules">Routing rules per layer; null = the static rule.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public DecoderTrace Run(ReadOnlySpan<int> tokens, Func<int, RouteRules>? rules = null)
    {
        double[] embedding = Tensor(TensorNames.Embedding, _s.Vocabulary, _s.Hidden);
        var x = new double[tokens.Length * _s.Hidden];
        for (int t = 0; t < tokens.Length; t++)
        {
            embedding.AsSpan(tokens[t] * _s.Hidden, _s.Hidden).CopyTo(x.AsSpan(t * _s.Hidden));
        }

        var routes = new ReferenceRoutes?[_s.Layers];
        for (int layer = 0; layer < _s.Layers; layer++)
        {
            string prefix = TensorNames.Layer(layer);
            Accumulate(x, Attend(layer, Norm(x, prefix + "input_layernorm.weight", _s.Hidden)));
            double[] normed = Norm(x, prefix + "post_attention_layernorm.weight", _s.Hidden);
            Accumulate(x, _s.IsMoELayer(layer)
                ? Experts(layer, normed, rules?.Invoke(layer) ?? StaticRules, out routes[layer])
                : Mlp(normed, TensorNames.Dense(layer), _s.DenseWidth));
        }

        double[] head = _s.TieEmbeddings ? embedding : Tensor(TensorNames.Head, _s.Vocabulary, _s.Hidden);
        return new DecoderTrace(Product(Norm(x, TensorNames.FinalNorm, _s.Hidden), head, _s.Vocabulary, _s.Hidden), routes);
    }

    private double[] Attend(int layer, double[] x)
    {
        string prefix = TensorNames.Layer(layer) + "self_attn.";
        double[] q = Projection(x, prefix + "q_proj", _s.Heads * _s.HeadDim);
        double[] k = Projection(x, prefix + "k_proj", _s.KvHeads * _s.HeadDim);
        double[] v = Projection(x, prefix + "v_proj", _s.KvHeads * _s.HeadDim);
        if (_s.Family is ReferenceFamily.Qwen3Moe)
        {
            q = Norm(q, prefix + "q_norm.weight", _s.HeadDim);
            k = Norm(k, prefix + "k_norm.weight", _s.HeadDim);
        }
        else if (_s.Family is ReferenceFamily.Olmoe)
        {
            q = Norm(q, prefix + "q_norm.weight", _s.Heads * _s.HeadDim);
            k = Norm(k, prefix + "k_norm.weight", _s.KvHeads * _s.HeadDim);
        }

        // OLMoE clips after the norm, just before the heads are split.
        if (_s.ClipQkv is { } clip)
        {
            q = Array.ConvertAll(q, value => Math.Clamp(value, -clip, clip));
            k = Array.ConvertAll(k, value => Math.Clamp(value, -clip, clip));
            v = Array.ConvertAll(v, value => Math.Clamp(value, -clip, clip));
        }

        Rotate(q, _s.Heads * _s.HeadDim);
        Rotate(k, _s.KvHeads * _s.HeadDim);
        var shape = new AttentionShape
        {
            QueryHeads = _s.Heads,
            KvHeads = _s.KvHeads,
            HeadDim = _s.HeadDim,
            Scale = 1 / Math.Sqrt(_s.HeadDim),
            Window = _s.Window,
        };
        double[] mixed = ReferenceAttention.Run(shape, q, k, v).Output;
        return Product(mixed, Tensor(prefix + "o_proj.weight", _s.Hidden, _s.Heads * _s.HeadDim), _s.Hidden, _s.Heads * _s.HeadDim);
    }

    private void Rotate(double[] rows, int width)
    {
        for (int t = 0; t < rows.Length / width; t++)
        {
            ReferenceRope.Apply(rows.AsSpan(t * width, width), _s.HeadDim, t, _s.RopeTheta);
        }
    }

    private double[] Experts(int layer, double[] x, RouteRules rules, out ReferenceRoutes routes)
    {
        var gate = new GateRules { Experts = _s.Experts, TrainedExperts = _s.TrainedExperts };
        double[] logits = Exact(x, Tensor(TensorNames.Gate(_s, layer), _s.Experts, _s.Hidden), _s.Experts, _s.Hidden);
        routes = ReferenceRouter.Decide(logits, gate, rules);
        var y = new double[x.Length];
        for (int t = 0; t < routes.Tokens; t++)
        {
            double[] token = x[(t * _s.Hidden)..((t + 1) * _s.Hidden)];
            for (int slot = 0; slot < routes.Ids[t].Length; slot++)
            {
                double[] part = Mlp(token, TensorNames.Expert(_s, layer, routes.Ids[t][slot]), _s.ExpertWidth);
                AddScaled(y, t, part, routes.Weights[t][slot]);
            }

            if (_s.SharedWidth > 0)
            {
                AddScaled(y, t, Mlp(token, TensorNames.Shared(_s, layer), _s.SharedWidth), SharedWeight(layer, token));
            }
        }

        return y;
    }

    private double SharedWeight(int layer, double[] token) => _s.Family == ReferenceFamily.Qwen2Moe
        ? ReferenceMath.Sigmoid(Exact(token, Tensor(TensorNames.SharedGate(layer), 1, _s.Hidden), 1, _s.Hidden)[0])
        : 1;

    private void AddScaled(double[] y, int token, double[] part, double weight)
    {
        for (int d = 0; d < _s.Hidden; d++)
        {
            y[(token * _s.Hidden) + d] += weight * part[d];
        }
    }

    private double[] Mlp(double[] x, (string Gate, string Up, string Down) names, int width)
    {
        double[] inner = Product(x, Tensor(names.Gate, width, _s.Hidden), width, _s.Hidden);
        double[] up = Product(x, Tensor(names.Up, width, _s.Hidden), width, _s.Hidden);
        for (int i = 0; i < inner.Length; i++)
        {
            inner[i] = ReferenceMath.Silu(inner[i]) * up[i];
        }

        return Product(inner, Tensor(names.Down, _s.Hidden, width), _s.Hidden, width);
    }

    private double[] Projection(double[] x, string name, int rows)
    {
        double[] y = Product(x, Tensor(name + ".weight", rows, _s.Hidden), rows, _s.Hidden);
        if (_s.QkvBias)
        {
            double[] bias = Tensor(name + ".bias", rows);
            for (int i = 0; i < y.Length; i++)
            {
                y[i] += bias[i % rows];
            }
        }

        return y;
    }

    private double[] Norm(double[] rows, string name, int width)
    {
        double[] weight = Tensor(name, width);
        var y = new double[rows.Length];
        for (int start = 0; start < rows.Length; start += width)
        {
            ReferenceNorm.Rms(rows.AsSpan(start, width), weight, _s.NormEpsilon).CopyTo(y, start);
        }

        return y;
    }

    private double[] Product(double[] x, double[] weights, int outputs, int inputs) => bf16
        ? Exact(Array.ConvertAll(x, Bf16.Round), Array.ConvertAll(weights, Bf16.Round), outputs, inputs)
        : Exact(x, weights, outputs, inputs);

    private static double[] Exact(double[] x, double[] weights, int outputs, int inputs)
    {
        int rows = x.Length / inputs;
        var y = new double[rows * outputs];
        for (int r = 0; r < rows; r++)
        {
            for (int n = 0; n < outputs; n++)
            {
                double sum = 0;
                for (int k = 0; k < inputs; k++)
                {
                    sum += x[(r * inputs) + k] * weights[(n * inputs) + k];
                }

                y[(r * outputs) + n] = sum;
            }
        }

        return y;
    }

    private static void Accumulate(double[] x, double[] delta)
    {
        for (int i = 0; i < x.Length; i++)
        {
            x[i] += delta[i];
        }
    }

    private double[] Tensor(string name, params int[] shape)
    {
        if (!tensors.TryGetValue(name, out ReferenceTensor? tensor))
        {
            throw new InvalidDataException($"tensor {name} is missing");
        }

        return tensor.Shape.AsSpan().SequenceEqual(shape)
            ? tensor.Data
            : throw new InvalidDataException($"tensor {name} is [{string.Join(", ", tensor.Shape)}], not [{string.Join(", ", shape)}]");
    }
}
