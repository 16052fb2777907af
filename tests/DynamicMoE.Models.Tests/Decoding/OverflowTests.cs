using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Finite weights that make a pass overflow, one place at a time.</summary>
public sealed class OverflowTests
{
    private const int Vocabulary = 64;

    // Layer 1 of the small Qwen2-MoE is dense.
    [Theory]
    [InlineData("model.layers.0.self_attn.v_proj.weight", 3e38, "layer 0, attention")]
    [InlineData("model.layers.1.self_attn.q_proj.weight", 3e38, "layer 1, attention")]
    [InlineData("model.layers.1.self_attn.o_proj.weight", 1e30, "layer 1, attention")]
    [InlineData("model.layers.1.mlp.up_proj.weight", 3e38, "layer 1, MLP")]
    [InlineData("model.layers.1.mlp.down_proj.weight", 1e25, "layer 1, MLP")]
    [InlineData("model.layers.2.post_attention_layernorm.weight", 3e38, "layer 2, the norm before the MLP")]
    [InlineData("lm_head.weight", 3e38, "the output head")]
    public void Forward_WhenFiniteInputOverflows_NamesLayerAndPosition(string tensor, double value, string place)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe);
        Array.Fill(checkpoint.Tensors[tensor].Data, value);
        using MoEModel model = TestModels.Load(checkpoint);
        MoESession session = model.CreateSession(8);

        var all = Assert.Throws<ExpertDispatchException>(() => session.Forward([1, 2, 3], new float[3 * Vocabulary]));
        var last = Assert.Throws<ExpertDispatchException>(() => session.ForwardLast([1], new float[Vocabulary]));
        var generated = Assert.Throws<ExpertDispatchException>(() => session.Generate([1, 2]).First());

        Assert.All([all, last, generated], e => Assert.Contains(place, e.Message, StringComparison.Ordinal));
        Assert.Contains("position 0", last.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.Position);
    }

    [Fact]
    public void Forward_WhenOneTokenOverflows_NamesItsPosition()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe);
        int hidden = checkpoint.Settings.Hidden;
        // Its row is too large for the square in a norm; the others are as they were.
        Array.Fill(checkpoint.Tensors[TensorNames.Embedding].Data, 1e30, 5 * hidden, hidden);
        using MoEModel model = TestModels.Load(checkpoint, new ModelLoadOptions { MaxTokens = 2 });
        MoESession session = model.CreateSession(16);
        _ = session.ForwardLast([1, 2, 3], new float[Vocabulary]);

        var e = Assert.Throws<ExpertDispatchException>(() => session.ForwardLast([4, 6, 7, 5], new float[Vocabulary]));

        Assert.Contains("layer 0, attention: the values at position 6 ", e.Message, StringComparison.Ordinal);
        Assert.Equal(3, session.Position);
    }
}
