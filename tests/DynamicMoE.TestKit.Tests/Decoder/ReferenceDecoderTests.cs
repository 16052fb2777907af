using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Tests.Decoder;

public sealed class ReferenceDecoderTests
{
    private static readonly int[] Tokens = [5, 1, 63, 7, 7, 20];

    public static TheoryData<ReferenceFamily> Families => new(FamilySettings.All);

    [Theory, MemberData(nameof(Families))]
    public void Run_WhenBlocksAddNothing_LogitsAreTheHeadOfTheNormedEmbedding(ReferenceFamily family)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(family);
        foreach (string name in checkpoint.Tensors.Keys.Where(n =>
            n.EndsWith("o_proj.weight", StringComparison.Ordinal)
            || n.EndsWith("down_proj.weight", StringComparison.Ordinal)
            || n.EndsWith("w2.weight", StringComparison.Ordinal)))
        {
            Array.Clear(checkpoint.Tensors[name].Data);
        }

        double[] logits = checkpoint.Decoder.Run(Tokens).Logits;

        int hidden = checkpoint.Settings.Hidden;
        double[] x = ReferenceNorm.Rms(
            checkpoint.Tensors["model.embed_tokens.weight"].Data.AsSpan(63 * hidden, hidden),
            checkpoint.Tensors["model.norm.weight"].Data,
            checkpoint.Settings.NormEpsilon);
        double[] head = checkpoint.Tensors["lm_head.weight"].Data;
        for (int v = 0; v < 64; v++)
        {
            double expected = Enumerable.Range(0, hidden).Sum(d => x[d] * head[(v * hidden) + d]);
            Assert.Equal(expected, logits[(2 * 64) + v], 1e-12);
        }
    }

    [Theory, MemberData(nameof(Families))]
    public void Run_WhenALaterTokenChanges_EarlierLogitsStay(ReferenceFamily family)
    {
        ReferenceDecoder decoder = SyntheticCheckpoint.Create(family).Decoder;

        double[] a = decoder.Run(Tokens).Logits, b = decoder.Run([.. Tokens[..5], 33]).Logits;

        Assert.Equal(a[..(5 * 64)], b[..(5 * 64)]);
        Assert.NotEqual(a[(5 * 64)..], b[(5 * 64)..]);
    }

    [Theory, MemberData(nameof(Families))]
    public void Run_WhenAnyTensorChanges_LogitsChange(ReferenceFamily family)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(family);
        // All experts for every token, so that each one's weights matter.
        var rules = new RouteRules { MinExperts = 8, MaxExperts = 8, Weighting = ReferenceWeighting.Raw };
        int[] tokens = [5, 1, 63];
        double[] before = checkpoint.Decoder.Run(tokens, _ => rules).Logits;
        foreach ((string name, ReferenceTensor tensor) in checkpoint.Tensors)
        {
            // The middle of the embedding's row 5 and of any other tensor.
            int index = name == TensorNames.Embedding ? (5 * 32) + 1 : tensor.Data.Length / 2;
            double old = tensor.Data[index];
            tensor.Data[index] += 0.5;
            double[] after = checkpoint.Decoder.Run(tokens, _ => rules).Logits;
            tensor.Data[index] = old;

            Assert.True(before.Zip(after, (a, b) => Math.Abs(a - b)).Max() > 1e-9, $"{name} does not matter");
        }
    }

    [Theory, MemberData(nameof(Families))]
    public void Run_WhenStatic_EachMoELayerUsesTheTrainedCount(ReferenceFamily family)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(family);

        DecoderTrace trace = checkpoint.Decoder.Run(Tokens);

        for (int layer = 0; layer < 3; layer++)
        {
            Assert.Equal(checkpoint.Settings.IsMoELayer(layer), trace.Routes[layer] is not null);
            Assert.All(trace.Routes[layer]?.Ids ?? [], ids => Assert.Equal(checkpoint.Settings.TrainedExperts, ids.Length));
        }
    }

    [Fact]
    public void Run_WhenOneTokenOneExpert_MatchesTheFormulaByHand()
    {
        // One layer, hidden 2, one head, one expert: attention of a single position returns v.
        var settings = FamilySettings.Create(ReferenceFamily.Mixtral) with
        {
            Vocabulary = 2,
            Hidden = 2,
            Layers = 1,
            Heads = 1,
            KvHeads = 1,
            HeadDim = 2,
            Experts = 1,
            TrainedExperts = 1,
            ExpertWidth = 1,
            NormEpsilon = 0,
        };
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(settings);
        void Set(string name, params double[] data) => data.CopyTo(checkpoint.Tensors[name].Data, 0);
        Set("model.embed_tokens.weight", 3, 4, 0, 0);
        Set("model.layers.0.input_layernorm.weight", 1, 1);
        Set("model.layers.0.self_attn.v_proj.weight", 0, 1, 1, 0);
        Set("model.layers.0.self_attn.o_proj.weight", 1, 0, 0, 1);
        Set("model.layers.0.post_attention_layernorm.weight", 1, 1);
        Set("model.layers.0.block_sparse_moe.experts.0.w1.weight", 1, 0);
        Set("model.layers.0.block_sparse_moe.experts.0.w3.weight", 0, 1);
        Set("model.layers.0.block_sparse_moe.experts.0.w2.weight", 1, 0);
        Set("model.norm.weight", 1, 1);
        Set("lm_head.weight", 1, 0, 0, 1);

        double[] logits = checkpoint.Decoder.Run([0]).Logits;

        double rms = Math.Sqrt(12.5);
        double a = 3 + (4 / rms), b = 4 + (3 / rms); // residual + swapped normed input
        double rms2 = Math.Sqrt(((a * a) + (b * b)) / 2);
        double na = a / rms2, nb = b / rms2;
        double c = a + (na / (1 + Math.Exp(-na)) * nb); // silu(w1 x) * (w3 x) into the first element
        double rms3 = Math.Sqrt(((c * c) + (b * b)) / 2);
        Assert.Equal([c / rms3, b / rms3], logits, (x, y) => Math.Abs(x - y) < 1e-12);
    }

    [Fact]
    public void Run_WhenATensorIsMissing_NamesIt()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Olmoe);
        checkpoint.Tensors.Remove("model.layers.1.self_attn.k_norm.weight");

        var error = Assert.Throws<InvalidDataException>(() => checkpoint.Decoder.Run(Tokens));

        Assert.Contains("model.layers.1.self_attn.k_norm.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WhenQkvIsClipped_LogitsChange()
    {
        DecoderSettings settings = FamilySettings.Create(ReferenceFamily.Olmoe);
        double[] clipped = SyntheticCheckpoint.Create(settings).Decoder.Run(Tokens).Logits;
        double[] free = SyntheticCheckpoint.Create(settings with { ClipQkv = null }).Decoder.Run(Tokens).Logits;

        Assert.NotEqual(clipped, free);
    }
}
