namespace DynamicMoE.Models;

/// <summary>Every tensor that a configuration asks for, with its shape. Checked before anything is packed: a wrong checkpoint fails at once.</summary>
internal static class CheckpointLayout
{
    /// <summary>Checks that a checkpoint has all tensors of its decoder, and none that its configuration does not explain.</summary>
    /// <exception cref="ModelConfigurationException">The decoder does not run this kind of model.</exception>
    /// <exception cref="CheckpointFormatException">A tensor or section is missing, has another type or shape, or is not explained.</exception>
    public static void CheckDecoder(Checkpoint checkpoint)
    {
        ModelConfig config = checkpoint.Config;
        if (config.MissingDecoderKey is { } key)
        {
            throw new ModelConfigurationException(
                $"{checkpoint.Name}/config.json",
                key,
                $"the decoder does not run the latent attention of {config.ModelType}; MoEBlock.Load gives its MoE layers.");
        }

        PackedFile? packed = checkpoint.Packed;
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (LayoutTensor tensor in packed is null ? Dense(config).Concat(MoELayers(config).SelectMany(layer => Experts(config, layer))) : Dense(config))
        {
            _ = checkpoint.Require(tensor.Name, tensor.Shape);
            _ = expected.Add(tensor.Name);
        }

        foreach (string tensor in checkpoint.TensorNames)
        {
            if (!expected.Contains(tensor) && (packed is not null || !IsKnownExtra(tensor, config)))
            {
                throw new CheckpointFormatException(
                    checkpoint.Name, tensor, $"config.json of a {config.ModelType} model does not explain it; ignoring it would give wrong results.");
            }
        }

        packed?.RequireSections(
            [PackedSection.Config, .. TokenizerFiles.Used(packed), .. CalibrationFile.Used(packed), PackedSection.Tensors, .. MoELayers(config).SelectMany(layer => Sections(config, layer))]);
    }

    /// <summary>Checks that a checkpoint has all tensors of one MoE layer.</summary>
    /// <exception cref="CheckpointFormatException">A tensor is missing, or has another type or shape.</exception>
    public static void CheckBlock(Checkpoint checkpoint, int layer)
    {
        ModelConfig config = checkpoint.Config;
        foreach (LayoutTensor tensor in checkpoint.Packed is null ? Gate(config, layer).Concat(Experts(config, layer)) : Gate(config, layer))
        {
            _ = checkpoint.Require(tensor.Name, tensor.Shape);
        }
    }

    /// <summary>Every tensor of the decoder but the experts.</summary>
    public static IEnumerable<LayoutTensor> Dense(ModelConfig c)
    {
        TensorUses embedding = c.TieWordEmbeddings ? TensorUses.Rows | TensorUses.Product : TensorUses.Rows;
        yield return new(ModelFamily.Embedding, [c.VocabularySize, c.HiddenSize], embedding);
        yield return new(ModelFamily.FinalNorm, [c.HiddenSize], TensorUses.Values);
        if (!c.TieWordEmbeddings)
        {
            yield return new(ModelFamily.Head, [c.VocabularySize, c.HiddenSize], TensorUses.Product);
        }

        for (int layer = 0; layer < c.LayerCount; layer++)
        {
            yield return new(ModelFamily.InputNorm(layer), [c.HiddenSize], TensorUses.Values);
            yield return new(ModelFamily.MlpNorm(layer), [c.HiddenSize], TensorUses.Values);
            foreach (LayoutTensor tensor in Attention(c, layer))
            {
                yield return tensor;
            }

            foreach (LayoutTensor tensor in c.MoELayers[layer] ? Gate(c, layer) : Mlp(ModelFamily.Dense(layer), c.DenseWidth, c.HiddenSize))
            {
                yield return tensor;
            }
        }
    }

    /// <summary>The layers with experts.</summary>
    public static IEnumerable<int> MoELayers(ModelConfig c) => Enumerable.Range(0, c.LayerCount).Where(layer => c.MoELayers[layer]);

    /// <summary>The sections of a packed file that hold the experts of a layer.</summary>
    public static IEnumerable<string> Sections(ModelConfig c, int layer) =>
        c.Experts.SharedWidth > 0 ? [PackedSection.Experts(layer), PackedSection.Shared(layer)] : [PackedSection.Experts(layer)];

    private static IEnumerable<LayoutTensor> Attention(ModelConfig c, int layer)
    {
        AttentionConfig a = c.Attention!;
        foreach ((string part, int outputs, int inputs, bool bias) in new[]
        {
            ("q_proj", a.QueryWidth, c.HiddenSize, a.QkvBias), ("k_proj", a.KeyValueWidth, c.HiddenSize, a.QkvBias),
            ("v_proj", a.KeyValueWidth, c.HiddenSize, a.QkvBias), ("o_proj", c.HiddenSize, a.QueryWidth, a.OutputBias),
        })
        {
            yield return new(ModelFamily.Attention(layer, $"{part}.weight"), [outputs, inputs], TensorUses.Product);
            if (bias)
            {
                yield return new(ModelFamily.Attention(layer, $"{part}.bias"), [outputs], TensorUses.Values);
            }
        }

        if (a.Norm != QueryKeyNorm.None)
        {
            yield return new(ModelFamily.Attention(layer, "q_norm.weight"), [a.Norm == QueryKeyNorm.PerHead ? a.HeadSize : a.QueryWidth], TensorUses.Values);
            yield return new(ModelFamily.Attention(layer, "k_norm.weight"), [a.Norm == QueryKeyNorm.PerHead ? a.HeadSize : a.KeyValueWidth], TensorUses.Values);
        }
    }

    // What decides between the experts of a layer.
    private static IEnumerable<LayoutTensor> Gate(ModelConfig c, int layer)
    {
        yield return new(c.Family.Gate(layer), [c.Experts.Count, c.HiddenSize], TensorUses.Values);
        if (c.Experts.HasSelectionBias)
        {
            yield return new(ModelFamily.SelectionBias(layer), [c.Experts.Count], TensorUses.Values);
        }

        if (c.Experts.HasSharedGate)
        {
            yield return new(ModelFamily.SharedGate(layer), [1, c.HiddenSize], TensorUses.Values);
        }
    }

    private static IEnumerable<LayoutTensor> Experts(ModelConfig c, int layer)
    {
        for (int expert = 0; expert < c.Experts.Count; expert++)
        {
            foreach (LayoutTensor tensor in Mlp(c.Family.Expert(layer, expert), c.Experts.Width, c.HiddenSize))
            {
                yield return tensor;
            }
        }

        if (c.Experts.SharedWidth > 0)
        {
            foreach (LayoutTensor tensor in Mlp(c.Family.Shared(layer), c.Experts.SharedWidth, c.HiddenSize))
            {
                yield return tensor;
            }
        }
    }

    private static LayoutTensor[] Mlp(MlpNames names, long width, long hidden) =>
    [
        new(names.Gate, [width, hidden], TensorUses.Product),
        new(names.Up, [width, hidden], TensorUses.Product),
        new(names.Down, [hidden, width], TensorUses.Product),
    ];

    // Old checkpoints carry the rotary frequencies, tied ones sometimes the head too.
    private static bool IsKnownExtra(string tensor, ModelConfig config) =>
        tensor.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TieWordEmbeddings && tensor == ModelFamily.Head);
}
