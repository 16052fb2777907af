using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TinyMoE.Training;

/// <summary>A Mixtral-style decoder over bytes, as plain functions on named parameters so that training (f32) and golden logits (f64) share it.</summary>
internal sealed class Decoder
{
    private readonly Tensor _cos;
    private readonly Tensor _sin;

    public Decoder(ModelShape shape, IReadOnlyDictionary<string, Tensor> weights)
    {
        Shape = shape;
        Weights = weights;
        // HF's rotate_half convention: frequency i turns the pair (i, i + head/2).
        using var frequencies = pow(shape.RopeTheta, arange(0, shape.HeadSize, 2, float64).div(shape.HeadSize).neg());
        using var angles = outer(arange(shape.MaxPositions, float64), frequencies);
        using var both = cat([angles, angles], 1);
        var dtype = weights.Values.First().dtype;
        _cos = both.cos().to(dtype);
        _sin = both.sin().to(dtype);
    }

    public ModelShape Shape { get; }

    public IReadOnlyDictionary<string, Tensor> Weights { get; }

    /// <summary>Runs windows of bytes.</summary>
    /// <param name="tokens">Byte values, int64 <c>[batch, positions]</c>.</param>
    /// <param name="rule">How experts are chosen and weighted.</param>
    /// <param name="record">Receives the router's view of each layer in turn, or null.</param>
    /// <returns>Logits, <c>[batch * positions, vocabulary]</c>.</returns>
    public Tensor Forward(Tensor tokens, RoutingRule rule, Action<RouterTrace>? record = null)
    {
        var (batch, positions) = (tokens.shape[0], tokens.shape[1]);
        var hidden = Weights["model.embed_tokens.weight"].index_select(0, tokens.flatten());
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            hidden = hidden + Attention(Norm(hidden, prefix + "input_layernorm.weight"), prefix + "self_attn.", batch, positions);
            hidden = hidden + Experts(Norm(hidden, prefix + "post_attention_layernorm.weight"), prefix + "block_sparse_moe.", rule, record);
        }
        return Linear(Norm(hidden, "model.norm.weight"), "lm_head.weight");
    }

    private Tensor Linear(Tensor input, string weight) => input.matmul(Weights[weight].t());

    private Tensor Norm(Tensor input, string weight) =>
        input * (input.square().mean([-1L], keepdim: true) + Shape.NormEpsilon).rsqrt() * Weights[weight];

    private Tensor Attention(Tensor input, string prefix, long batch, long positions)
    {
        Tensor Project(string name, int heads) =>
            Linear(input, $"{prefix}{name}.weight").view(batch, positions, heads, Shape.HeadSize).transpose(1, 2);

        var query = Rotate(Project("q_proj", Shape.Heads), positions);
        var group = Shape.Heads / Shape.KeyValueHeads;
        var key = Rotate(Project("k_proj", Shape.KeyValueHeads), positions).repeat_interleave(group, 1);
        var value = Project("v_proj", Shape.KeyValueHeads).repeat_interleave(group, 1);
        var mixed = F.scaled_dot_product_attention(query, key, value, is_casual: true);
        return Linear(mixed.transpose(1, 2).reshape(batch * positions, Shape.Heads * Shape.HeadSize), prefix + "o_proj.weight");
    }

    private Tensor Rotate(Tensor heads, long positions)
    {
        var halves = heads.chunk(2, -1);
        var turned = cat([halves[1].neg(), halves[0]], -1);
        return heads * _cos.narrow(0, 0, positions) + turned * _sin.narrow(0, 0, positions);
    }

    private Tensor Experts(Tensor input, string prefix, RoutingRule rule, Action<RouterTrace>? record)
    {
        var logits = Linear(input, prefix + "gate.weight");
        var probabilities = logits.softmax(-1);
        var (chosen, ids) = probabilities.topk(rule.ExpertsPerToken, -1);
        var divisor = rule.Weights == WeightRule.Renormalize
            ? chosen.sum(-1, keepdim: true)
            : probabilities.topk(Shape.ExpertsPerToken, -1).values.sum(-1, keepdim: true);
        var weights = (chosen / divisor).flatten();

        // Rows sorted by expert: one gather, one dense product per expert and matrix, one scatter.
        var flat = ids.flatten();
        var order = flat.sort(stable: true).Indices;
        var counts = flat.bincount(null, Shape.Experts).data<long>().ToArray();
        var rows = order.div(rule.ExpertsPerToken, RoundingMode.floor);
        var parts = input.index_select(0, rows).split(counts);
        var outputs = new Tensor[Shape.Experts];
        for (var expert = 0; expert < Shape.Experts; expert++)
        {
            var name = $"{prefix}experts.{expert}.";
            var gated = F.silu(Linear(parts[expert], name + "w1.weight")) * Linear(parts[expert], name + "w3.weight");
            outputs[expert] = Linear(gated, name + "w2.weight");
        }
        var weighted = cat(outputs, 0) * weights.index_select(0, order).unsqueeze(1);
        record?.Invoke(new RouterTrace(logits, probabilities, counts));
        return zeros_like(input).index_add(0, rows, weighted, 1);
    }
}
