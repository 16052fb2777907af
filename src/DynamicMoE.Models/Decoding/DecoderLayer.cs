namespace DynamicMoE.Models;

/// <summary>One layer: attention, then experts or a dense MLP, each after a norm and added to the residual stream.</summary>
internal sealed class DecoderLayer
{
    private DecoderLayer(WeightLoader loader, int layer, DisposalList owned)
    {
        ModelConfig config = loader.Checkpoint.Config;
        AttentionNorm = loader.Vector(ModelFamily.InputNorm(layer), config.HiddenSize);
        Attention = Attention.Load(loader, layer, owned);
        MlpNorm = loader.Vector(ModelFamily.MlpNorm(layer), config.HiddenSize);
        if (config.MoELayers[layer])
        {
            Experts = owned.Add(MoEBlock.LoadFrom(loader, layer));
        }
        else
        {
            Dense = DenseMlp.Load(loader, layer, owned);
        }
    }

    public float[] AttentionNorm { get; }

    public Attention Attention { get; }

    public float[] MlpNorm { get; }

    /// <summary>Set in a layer with experts.</summary>
    public MoEBlock? Experts { get; }

    /// <summary>Set in a layer without experts.</summary>
    public DenseMlp? Dense { get; }

    public static DecoderLayer Load(WeightLoader loader, int layer, DisposalList owned) => new(loader, layer, owned);
}
