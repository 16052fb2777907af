namespace DynamicMoE.Models;

/// <summary>Every tensor that a configuration asks for, with its shape. Checked before anything is packed: a wrong checkpoint fails at once.</summary>
internal static class CheckpointLayout
{
    /// <summary>Checks that a checkpoint has all tensors of its decoder, and none that its configuration does not explain.</summary>
    /// <exception cref="CheckpointFormatException">A tensor is missing, has another type or shape, or is not explained.</exception>
    public static void CheckDecoder(Checkpoint checkpoint)
    {
        ModelConfig config = checkpoint.Config;
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, long[] shape) in Decoder(config))
        {
            _ = checkpoint.Require(name, shape);
            _ = expected.Add(name);
        }

        foreach (string tensor in checkpoint.TensorNames)
        {
            if (!expected.Contains(tensor) && !IsKnownExtra(tensor, config))
            {
                throw new CheckpointFormatException(
                    checkpoint.Name, tensor, $"config.json of a {config.ModelType} model does not explain it; ignoring it would give wrong results.");
            }
        }
    }

    /// <summary>Checks that a checkpoint has all tensors of one MoE layer.</summary>
    /// <exception cref="CheckpointFormatException">A tensor is missing, or has another type or shape.</exception>
    public static void CheckBlock(Checkpoint checkpoint, int layer)
    {
        foreach ((string name, long[] shape) in Block(checkpoint.Config, layer))
        {
            _ = checkpoint.Require(name, shape);
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Decoder(ModelConfig c)
    {
        yield return (ModelFamily.Embedding, [c.VocabularySize, c.HiddenSize]);
        yield return (ModelFamily.FinalNorm, [c.HiddenSize]);
        if (!c.TieWordEmbeddings)
        {
            yield return (ModelFamily.Head, [c.VocabularySize, c.HiddenSize]);
        }

        for (int layer = 0; layer < c.LayerCount; layer++)
        {
            yield return (ModelFamily.InputNorm(layer), [c.HiddenSize]);
            yield return (ModelFamily.MlpNorm(layer), [c.HiddenSize]);
            foreach (var tensor in Attention(c, layer))
            {
                yield return tensor;
            }

            foreach (var tensor in c.MoELayers[layer] ? Block(c, layer) : Mlp(ModelFamily.Dense(layer), c.DenseWidth, c.HiddenSize))
            {
                yield return tensor;
            }
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Attention(ModelConfig c, int layer)
    {
        AttentionConfig a = c.Attention!;
        foreach ((string part, int outputs, int inputs, bool bias) in new[]
        {
            ("q_proj", a.QueryWidth, c.HiddenSize, a.QkvBias), ("k_proj", a.KeyValueWidth, c.HiddenSize, a.QkvBias),
            ("v_proj", a.KeyValueWidth, c.HiddenSize, a.QkvBias), ("o_proj", c.HiddenSize, a.QueryWidth, a.OutputBias),
        })
        {
            yield return (ModelFamily.Attention(layer, $"{part}.weight"), [outputs, inputs]);
            if (bias)
            {
                yield return (ModelFamily.Attention(layer, $"{part}.bias"), [outputs]);
            }
        }

        if (a.Norm != QueryKeyNorm.None)
        {
            yield return (ModelFamily.Attention(layer, "q_norm.weight"), [a.Norm == QueryKeyNorm.PerHead ? a.HeadSize : a.QueryWidth]);
            yield return (ModelFamily.Attention(layer, "k_norm.weight"), [a.Norm == QueryKeyNorm.PerHead ? a.HeadSize : a.KeyValueWidth]);
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Block(ModelConfig c, int layer)
    {
        ExpertsConfig e = c.Experts;
        yield return (c.Family.Gate(layer), [e.Count, c.HiddenSize]);
        if (e.HasSelectionBias)
        {
            yield return (ModelFamily.SelectionBias(layer), [e.Count]);
        }

        for (int expert = 0; expert < e.Count; expert++)
        {
            foreach (var tensor in Mlp(c.Family.Expert(layer, expert), e.Width, c.HiddenSize))
            {
                yield return tensor;
            }
        }

        if (e.SharedWidth > 0)
        {
            foreach (var tensor in Mlp(c.Family.Shared(layer), e.SharedWidth, c.HiddenSize))
            {
                yield return tensor;
            }
        }

        if (e.HasSharedGate)
        {
            yield return (ModelFamily.SharedGate(layer), [1, c.HiddenSize]);
        }
    }

    private static (string Name, long[] Shape)[] Mlp(MlpNames names, long width, long hidden) =>
        [(names.Gate, [width, hidden]), (names.Up, [width, hidden]), (names.Down, [hidden, width])];

    // Old checkpoints carry the rotary frequencies, tied ones sometimes the head too.
    private static bool IsKnownExtra(string tensor, ModelConfig config) =>
        tensor.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TieWordEmbeddings && tensor == ModelFamily.Head);
}
