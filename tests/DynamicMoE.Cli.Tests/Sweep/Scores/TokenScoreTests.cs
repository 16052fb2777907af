using DynamicMoE.Cli.Sweep;
using DynamicMoE.Cli.Sweep.Scores;
using DynamicMoE.Models;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep.Scores;

/// <summary>Signals on a random checkpoint, each beside a computation of its own.</summary>
public sealed class TokenScoreTests(ByteCheckpoint checkpoint) : IClassFixture<ByteCheckpoint>
{
    private const int Tokens = 40;

    [Theory]
    [InlineData(ComplexityEstimators.GradientNorm, 0)]
    [InlineData(ComplexityEstimators.PerplexityProxy, 0)]
    [InlineData(ComplexityEstimators.AttentionEntropy, 0)]
    [InlineData(ComplexityEstimators.RouterMargin, 0)]
    [InlineData(TokenScores.Oracle, 0)]
    public void Measure_WhenAskedInAPass_HasAValuePerTokenAndLayerThatDiffers(string name, float least)
    {
        List<float[]> layers = Measure(name);

        Assert.Equal(3, layers.Count);
        Assert.All(layers, values =>
        {
            Assert.Equal(Tokens, values.Length);
            Assert.All(values, value => Assert.True(float.IsFinite(value) && value >= least, $"{value}"));
            Assert.True(values.Distinct().Count() > Tokens / 2);
        });
    }

    [Fact]
    public void Measure_WhenOracle_IsTheChangeOfTheOutputOverTheResidual()
    {
        using MoEModel model = MoEModel.Load(checkpoint.ModelPath);
        using var oracle = new OracleScore(model, Weighting.TrainedScale);
        var probe = new Probe(input =>
        {
            var measured = new float[input.Tokens];
            oracle.Measure(in input, measured);

            // Static top-2 is in force: its output minus that of the first expert is w2 E2(x).
            int width = input.Normed.Length / input.Tokens;
            var buffers = new RoutingBuffers(input.Tokens, 2, 8, withLogits: false);
            float[] output = new float[width], alone = new float[width];
            for (int token = 0; token < input.Tokens; token++)
            {
                ReadOnlySpan<float> x = input.Normed.Slice(token * width, width);
                input.Block.Forward(x, 1, output, buffers);
                int second = buffers.ExpertIndices[1];
                byte[] mask = new byte[8];
                mask[second] = 1;
                using var router = new DynamicRouter(input.Block.Gate, new DynamicRouterOptions { MinExperts = 1, MaxExperts = 1, ComplexityEstimator = "router_margin" });
                using var layer = new MoELayer(router, input.Block.Experts);
                layer.Forward(x, 1, alone, null, new RoutingContext { ExpertMask = mask });
                double change = buffers.ExpertWeights[1] * Norm(alone);
                Assert.Equal(change / Norm(input.Residual.Slice(token * width, width)), measured[token], 1e-5);
            }
        });
        MoESession session = model.CreateSession(Tokens);
        session.Advisor = probe;

        session.ForwardLast(Text(), new float[256]);

        Assert.Equal(3, probe.Calls);
    }

    [Fact]
    public void Measure_WhenAttention_WeightsAreThoseThatTheModelAttendedWith()
    {
        // With one key there is nothing to choose; with equal keys every weight is the same.
        var config = new AttentionConfig { QueryHeads = 2, KeyValueHeads = 1, HeadSize = 2, RopeTheta = 1, SlidingWindow = 2 };
        var weights = new float[3 * 2 * 3];
        var visible = new int[3];
        AttentionWeights.Compute(
            config,
            new RoutedInput
            {
                Index = 0,
                Block = null!,
                Tokens = 3,
                Position = 0,
                Residual = default,
                Normed = default,
                Query = [0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1],
                Keys = [5, 5, 0, 1, 1, 0],
            },
            weights,
            visible);

        // Scores of the last token over keys 1 and 2: 0 and 1/sqrt(2) for head 0, the other way round for head 1.
        float more = 1 / (1 + MathF.Exp(-1 / MathF.Sqrt(2)));
        Assert.Equal([1, 2, 2], visible);
        Assert.Equal([1, 0, 0, 1, 0, 0], weights[..6]);
        Assert.Equal([0, 1 - more, more, 0, more, 1 - more], weights[12..], (a, b) => Math.Abs(a - b) < 1e-6);
    }

    private List<float[]> Measure(string name)
    {
        using MoEModel model = MoEModel.Load(checkpoint.ModelPath);
        using ITokenScore score = TokenScores.Create(name, model, Weighting.TrainedScale);
        var layers = new List<float[]>();
        MoESession session = model.CreateSession(Tokens);
        session.Advisor = new Probe(input =>
        {
            var values = new float[input.Tokens * ScoreRouting.Columns(score, 2)];
            score.Measure(in input, values);
            layers.Add(values);
        });
        session.ForwardLast(Text(), new float[256]);
        return layers;
    }

    private static int[] Text() => [.. ByteCheckpoint.Text.Take(Tokens).Select(c => (int)c)];

    private static double Norm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }
}
