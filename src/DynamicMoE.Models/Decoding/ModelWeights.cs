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
        Format = loader.ExpertFormat;
        Embedding = loader.Embedding(ModelFamily.Embedding, config.VocabularySize, config.HiddenSize);
        Layers = [.. Enumerable.Range(0, config.LayerCount).Select(layer => DecoderLayer.Load(loader, layer, owned))];
        FinalNorm = loader.Vector(ModelFamily.FinalNorm, config.HiddenSize);
        Head = owned.Add(loader.Matrix(
            config.TieWordEmbeddings ? ModelFamily.Embedding : ModelFamily.Head, config.VocabularySize, config.HiddenSize));
        Hash = loader.Fingerprint.Finish(config.Digest);
    }

    /// <summary>How experts are kept.</summary>
    public WeightFormat Format { get; }

    /// <summary>Names these weights.</summary>
    public ModelHash Hash { get; }

    public EmbeddingTable Embedding { get; }

    public DecoderLayer[] Layers { get; }

    public float[] FinalNorm { get; }

    public PackedMatrix Head { get; }

    /// <summary>Loads every tensor, and refuses a checkpoint with tensors that its configuration does not explain.</summary>
    public static ModelWeights Load(Checkpoint checkpoint, ModelLoadOptions options)
    {
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
