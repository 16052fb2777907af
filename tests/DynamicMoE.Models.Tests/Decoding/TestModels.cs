using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Small models of every family, loaded through files as users load theirs.</summary>
internal static class TestModels
{
    /// <summary>Every family in every format.</summary>
    public static TheoryData<ReferenceFamily, WeightFormat> All
    {
        get
        {
            var data = new TheoryData<ReferenceFamily, WeightFormat>();
            foreach (ReferenceFamily family in Enum.GetValues<ReferenceFamily>())
            {
                foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
                {
                    data.Add(family, format);
                }
            }

            return data;
        }
    }

    /// <summary>24 token ids that use the vocabulary unevenly.</summary>
    public static int[] Tokens(int count = 24) => [.. Enumerable.Range(0, count).Select(i => ((i * i * 7) + (3 * i) + 5) % 64)];

    /// <summary>Loads a checkpoint.</summary>
    public static MoEModel Load(SyntheticCheckpoint checkpoint, ModelLoadOptions? options = null, int shards = 1)
    {
        using var directory = new TemporaryDirectory();
        checkpoint.Save(directory.Path, shards);
        return MoEModel.Load(directory.Path, options);
    }

    /// <summary>Loads a family's small model.</summary>
    public static MoEModel Load(ReferenceFamily family, ModelLoadOptions? options = null) => Load(SyntheticCheckpoint.Create(family), options);

    /// <summary>Logits of all tokens in one pass of a new session.</summary>
    public static float[] Run(MoEModel model, int[] tokens)
    {
        var logits = new float[tokens.Length * model.Config.VocabularySize];
        _ = model.CreateSession(tokens.Length).Forward(tokens, logits);
        return logits;
    }
}
