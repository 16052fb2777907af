using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>All weights of a decoder.</summary>
internal sealed class ModelWeights : IDisposable
{
    private readonly DisposalList _owned;

    private ModelWeights(WeightLoader loader, DisposalList owned)
    {
        _owned = owned;
        ModelConfig config = loader.Checkpoint.Config;
        Embedding = loader.Embedding(ModelFamily.Embedding, config.VocabularySize, config.HiddenSize);
        Layers = [.. Enumerable.Range(0, config.LayerCount).Select(layer => DecoderLayer.Load(loader, layer, owned))];
        FinalNorm = loader.Vector(ModelFamily.FinalNorm, config.HiddenSize);
        Head = owned.Add(loader.Matrix(
            config.TieWordEmbeddings ? ModelFamily.Embedding : ModelFamily.Head, config.VocabularySize, config.HiddenSize));
    }

    public EmbeddingTable Embedding { get; }

    public DecoderLayer[] Layers { get; }

    public float[] FinalNorm { get; }

    public PackedMatrix Head { get; }

    /// <summary>Loads every tensor, and refuses a checkpoint with tensors that its configuration does not explain.</summary>
    public static ModelWeights Load(Checkpoint checkpoint, ModelLoadOptions options)
    {
        ModelConfig config = checkpoint.Config;
        if (config.MissingDecoderKey is { } key)
        {
            throw new ModelConfigurationException(
                $"{checkpoint.Name}/config.json",
                key,
                $"the decoder does not run the latent attention of {config.ModelType}; MoEBlock.Load gives its MoE layers.");
        }

        CheckpointLayout.CheckDecoder(checkpoint);
        var owned = new DisposalList();
        try
        {
            return new ModelWeights(new WeightLoader(checkpoint, options), owned);
        }
        catch
        {
            owned.Dispose();
            throw;
        }
    }

    public void Dispose() => _owned.Dispose();
}
