namespace DynamicMoE.TestKit.Decoder;

/// <summary>Names and shapes of every tensor of a checkpoint, per family, in file order.</summary>
public static class TensorNames
{
    /// <summary>Token embedding, final norm, output head.</summary>
    public const string Embedding = "model.embed_tokens.weight", FinalNorm = "model.norm.weight", Head = "lm_head.weight";

    /// <summary>Prefix of a layer's tensors.</summary>
    public static string Layer(int layer) => $"model.layers.{layer}.";

    /// <summary>The router's weights.</summary>
    public static string Gate(DecoderSettings settings, int layer) =>
        Layer(layer) + (settings.Family == ReferenceFamily.Mixtral ? "block_sparse_moe.gate.weight" : "mlp.gate.weight");

    /// <summary>gate, up and down of a routed expert.</summary>
    public static (string Gate, string Up, string Down) Expert(DecoderSettings settings, int layer, int expert) =>
        settings.Family == ReferenceFamily.Mixtral
            ? ($"{Layer(layer)}block_sparse_moe.experts.{expert}.w1.weight",
               $"{Layer(layer)}block_sparse_moe.experts.{expert}.w3.weight",
               $"{Layer(layer)}block_sparse_moe.experts.{expert}.w2.weight")
            : Projections($"{Layer(layer)}mlp.experts.{expert}.");

    /// <summary>gate, up and down of the shared expert.</summary>
    public static (string Gate, string Up, string Down) Shared(DecoderSettings settings, int layer) =>
        Projections(Layer(layer) + (settings.Family == ReferenceFamily.Qwen2Moe ? "mlp.shared_expert." : "mlp.shared_experts."));

    /// <summary>gate, up and down of a dense layer.</summary>
    public static (string Gate, string Up, string Down) Dense(int layer) => Projections(Layer(layer) + "mlp.");

    /// <summary>Weights of the shared expert's gate.</summary>
    public static string SharedGate(int layer) => Layer(layer) + "mlp.shared_expert_gate.weight";

    /// <summary>Every tensor with its shape.</summary>
    public static IReadOnlyList<(string Name, int[] Shape)> All(DecoderSettings s)
    {
        var all = new List<(string, int[])> { (Embedding, [s.Vocabulary, s.Hidden]) };
        for (int i = 0; i < s.Layers; i++)
        {
            AddAttention(all, s, i);
            AddFeedForward(all, s, i);
            all.Add((Layer(i) + "input_layernorm.weight", [s.Hidden]));
            all.Add((Layer(i) + "post_attention_layernorm.weight", [s.Hidden]));
        }

        all.Add((FinalNorm, [s.Hidden]));
        if (!s.TieEmbeddings)
        {
            all.Add((Head, [s.Vocabulary, s.Hidden]));
        }

        return all;
    }

    private static void AddAttention(List<(string, int[])> all, DecoderSettings s, int layer)
    {
        string prefix = Layer(layer) + "self_attn.";
        int q = s.Heads * s.HeadDim, kv = s.KvHeads * s.HeadDim;
        foreach ((string name, int rows) in new[] { ("q_proj", q), ("k_proj", kv), ("v_proj", kv) })
        {
            all.Add(($"{prefix}{name}.weight", [rows, s.Hidden]));
            if (s.QkvBias)
            {
                all.Add(($"{prefix}{name}.bias", [rows]));
            }
        }

        all.Add(($"{prefix}o_proj.weight", [s.Hidden, q]));
        if (s.Family is ReferenceFamily.Qwen3Moe or ReferenceFamily.Olmoe)
        {
            bool perHead = s.Family == ReferenceFamily.Qwen3Moe;
            all.Add(($"{prefix}q_norm.weight", [perHead ? s.HeadDim : q]));
            all.Add(($"{prefix}k_norm.weight", [perHead ? s.HeadDim : kv]));
        }
    }

    private static void AddFeedForward(List<(string, int[])> all, DecoderSettings s, int layer)
    {
        if (!s.IsMoELayer(layer))
        {
            AddMlp(all, Dense(layer), s.DenseWidth, s.Hidden);
            return;
        }

        all.Add((Gate(s, layer), [s.Experts, s.Hidden]));
        for (int e = 0; e < s.Experts; e++)
        {
            AddMlp(all, Expert(s, layer, e), s.ExpertWidth, s.Hidden);
        }

        if (s.SharedWidth > 0)
        {
            AddMlp(all, Shared(s, layer), s.SharedWidth, s.Hidden);
            if (s.Family == ReferenceFamily.Qwen2Moe)
            {
                all.Add((SharedGate(layer), [1, s.Hidden]));
            }
        }
    }

    private static void AddMlp(List<(string, int[])> all, (string Gate, string Up, string Down) names, int width, int hidden)
    {
        all.Add((names.Gate, [width, hidden]));
        all.Add((names.Up, [width, hidden]));
        all.Add((names.Down, [hidden, width]));
    }

    private static (string Gate, string Up, string Down) Projections(string prefix) =>
        ($"{prefix}gate_proj.weight", $"{prefix}up_proj.weight", $"{prefix}down_proj.weight");
}
