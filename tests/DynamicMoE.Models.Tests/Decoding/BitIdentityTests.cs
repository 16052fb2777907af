using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>The same position gives the same bits, however it is computed.</summary>
public sealed class BitIdentityTests
{
    [Theory, MemberData(nameof(TestModels.All), MemberType = typeof(TestModels))]
    public void Forward_WhenPositionsComeOneByOne_GivesTheBitsOfOnePass(ReferenceFamily family, WeightFormat format)
    {
        using MoEModel model = TestModels.Load(family, new ModelLoadOptions { WeightFormat = format });
        int[] tokens = TestModels.Tokens(40);
        float[] together = TestModels.Run(model, tokens);
        MoESession session = model.CreateSession(tokens.Length);
        var alone = new float[model.Config.VocabularySize];

        for (int i = 0; i < tokens.Length; i++)
        {
            _ = session.Forward(tokens.AsSpan(i, 1), alone);

            AssertSameBits(together.AsSpan(i * alone.Length, alone.Length), alone);
        }
    }

    [Theory, MemberData(nameof(TestModels.All), MemberType = typeof(TestModels))]
    public void Forward_WhenChunksAndThreadsDiffer_GivesTheSameBits(ReferenceFamily family, WeightFormat format)
    {
        int[] tokens = TestModels.Tokens(40);
        float[]? first = null;
        foreach ((int chunk, int threads) in new[] { (512, 1), (512, 2), (7, 1), (1, 0), (3, 3) })
        {
            using MoEModel model = TestModels.Load(family, new ModelLoadOptions { WeightFormat = format, MaxTokens = chunk, Threads = threads });

            float[] logits = TestModels.Run(model, tokens);

            first ??= logits;
            AssertSameBits(first, logits);
        }
    }

    [Fact]
    public void ForwardLast_WhenComparedToForward_GivesTheBitsOfItsLastRow()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe, new ModelLoadOptions { MaxTokens = 16 });
        int[] tokens = TestModels.Tokens(40);
        float[] all = TestModels.Run(model, tokens);
        var last = new float[model.Config.VocabularySize];

        _ = model.CreateSession(40).ForwardLast(tokens, last);

        AssertSameBits(all.AsSpan(all.Length - last.Length), last);
    }

    [Fact]
    public void Forward_WhenSessionsRunAtOnce_GivesTheBitsOfEachAlone()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        int[][] inputs = [.. Enumerable.Range(0, 6).Select(i => TestModels.Tokens(40).Select(t => (t + (11 * i)) % 64).ToArray())];
        float[][] alone = [.. inputs.Select(tokens => TestModels.Run(model, tokens))];
        var together = new float[inputs.Length][];

        Parallel.For(0, inputs.Length, i => together[i] = TestModels.Run(model, inputs[i]));

        for (int i = 0; i < inputs.Length; i++)
        {
            AssertSameBits(alone[i], together[i]);
        }
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(expected[i]), BitConverter.SingleToInt32Bits(actual[i]));
        }
    }
}
