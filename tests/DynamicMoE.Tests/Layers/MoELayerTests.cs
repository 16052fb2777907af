using System.Numerics.Tensors;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class MoELayerTests
{
    private const int Dim = 24;
    private const int Experts = 6;
    private const int Tokens = 19;

    public static TheoryData<ExpertKind, WeightFormat, bool> Kinds()
    {
        var kinds = new TheoryData<ExpertKind, WeightFormat, bool>();
        foreach (ExpertKind kind in Enum.GetValues<ExpertKind>())
        {
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                kinds.Add(kind, format, true);
                kinds.Add(kind, format, false);
            }
        }

        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Forward_WhenExpertsAreNative_MatchesReference(ExpertKind kind, WeightFormat format, bool bias)
    {
        using var experts = TestExperts.Create(Options(kind, format, bias));
        using DynamicRouter router = Router();
        using var layer = new MoELayer(router, experts.Bank);
        float[] hidden = new SeededRandom(2).Gaussian(Tokens * Dim);
        var buffers = new RoutingBuffers(Tokens, 3, Experts, false);
        var output = new float[hidden.Length];

        RoutingReport report = layer.Forward(hidden, Tokens, output, buffers);

        Reference(new ReferenceLayer { Experts = experts.Reference, Format = (ReferenceFormat)format }, hidden, buffers).AssertClose(output);
        Assert.Equal(buffers.ExpertsPerToken.Sum(), report.Routes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WhenExpertsAreShared_AddsThem(bool gated)
    {
        using var experts = TestExperts.Create(Options());
        ExpertBankOptions sharedOptions = Options();
        sharedOptions.NumExperts = 2;
        using var shared = TestExperts.Create(sharedOptions, seed: 8);
        var random = new SeededRandom(3);
        float[]? gate = gated ? random.Gaussian(Dim) : null;
        using DynamicRouter router = Router();
        using var layer = new MoELayer(router, experts.Bank, new MoELayerOptions { SharedExperts = shared.Bank, SharedExpertGate = gate });
        float[] hidden = random.Gaussian(Tokens * Dim);
        var buffers = new RoutingBuffers(Tokens, 3, Experts, false);
        var output = new float[hidden.Length];

        layer.Forward(hidden, Tokens, output, buffers);

        Reference(new ReferenceLayer { Experts = experts.Reference, Shared = shared.Reference, SharedGate = gate }, hidden, buffers).AssertClose(output);
    }

    [Fact]
    public void Forward_WhenTensorsAreGiven_MatchesTheSpanOverload()
    {
        using var experts = TestExperts.Create(Options());
        using DynamicRouter router = Router();
        using var layer = new MoELayer(router, experts.Bank);
        float[] hidden = new SeededRandom(4).Gaussian(6 * Dim);
        var plain = new float[hidden.Length];
        var viaTensor = new float[hidden.Length];

        layer.Forward(hidden, 6, plain);
        layer.Forward(new ReadOnlyTensorSpan<float>(hidden, [2, 3, Dim]), new TensorSpan<float>(viaTensor, [2, 3, Dim]));
        MoEResult result = layer.Forward(Tensor.Create(hidden, [2, 3, Dim]), returnRouterLogits: true);

        Assert.Equal(RoutingOracle.Bits(plain), RoutingOracle.Bits(viaTensor));
        Assert.Equal(RoutingOracle.Bits(plain), RoutingOracle.Bits(result.Output.ToArray()));
        Assert.Equal([2, 3, Dim], result.Output.Lengths.ToArray());
        Assert.Equal([2, 3, Experts], result.Routing.RouterLogits!.Lengths.ToArray());
        Assert.Equal(6, result.Report.Tokens);
    }

    [Fact]
    public void Forward_WhenTheRouterIsForeign_RunsItsDecisions()
    {
        using var experts = TestExperts.Create(Options());
        using DynamicRouter router = Router();
        using var direct = new MoELayer(router, experts.Bank);
        using var wrapped = new MoELayer(new WrappedRouter(router), experts.Bank);
        float[] hidden = new SeededRandom(5).Gaussian(Tokens * Dim);
        var expected = new float[hidden.Length];
        var actual = new float[hidden.Length];

        direct.Forward(hidden, Tokens, expected);
        wrapped.Forward(hidden, Tokens, actual);

        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
    }

    [Fact]
    public void Forward_WhenTheBatchExceedsMaxTokens_GivesTheSameBits()
    {
        using var experts = TestExperts.Create(Options());
        using DynamicRouter router = Router();
        using var whole = new MoELayer(router, experts.Bank, new MoELayerOptions { MaxTokens = 512 });
        using var chunked = new MoELayer(router, experts.Bank, new MoELayerOptions { MaxTokens = 7 });
        float[] hidden = new SeededRandom(6).Gaussian(100 * Dim);
        var expected = new float[hidden.Length];
        var actual = new float[hidden.Length];

        RoutingReport one = whole.Forward(hidden, 100, expected);
        RoutingReport two = chunked.Forward(hidden, 100, actual);

        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
        Assert.Equal(one, two);
    }

    [Fact]
    public void Forward_WhenTheLayerMakesItsExperts_UsesOrLeavesOutBiases()
    {
        var shape = new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 8, Kind = ExpertKind.Relu };
        using DynamicRouter router = Router();
        using var biased = new MoELayer(router, shape, new MoELayerOptions { UseBias = true, Seed = 4 });
        using var plain = new MoELayer(router, shape, new MoELayerOptions { UseBias = false, Seed = 4 });
        var output = new float[Dim];

        plain.Forward(new float[Dim], 1, output);
        Assert.All(output, y => Assert.Equal(0f, y));
        biased.Forward(new float[Dim], 1, output);
        Assert.Contains(output, y => y != 0);
    }

    [Fact]
    public void Forward_WhenAContextIsGiven_RoutesByIt()
    {
        using var experts = TestExperts.Create(Options());
        using DynamicRouter router = Router();
        using var layer = new MoELayer(router, experts.Bank);
        float[] hidden = new SeededRandom(8).Gaussian(3 * Dim);
        var context = new RoutingContext { ExpertCounts = new[] { 3, 1, 2 }, ExpertMask = new byte[] { 0, 1, 1, 1, 1, 0 } };
        var buffers = new RoutingBuffers(3, 3, Experts, false);
        var output = new float[hidden.Length];
        var viaTensor = new float[hidden.Length];

        layer.Forward(hidden, 3, output, buffers, context);
        layer.Forward(new ReadOnlyTensorSpan<float>(hidden, [3, Dim]), new TensorSpan<float>(viaTensor, [3, Dim]), context);
        MoEResult result = layer.Forward(Tensor.Create(hidden, [3, Dim]), context: context);

        Assert.Equal([3, 1, 2], buffers.ExpertsPerToken);
        Assert.All(buffers.ExpertIndices, id => Assert.DoesNotContain(id, new[] { 0, 5 }));
        Reference(new ReferenceLayer { Experts = experts.Reference }, hidden, buffers).AssertClose(output);
        Assert.Equal(RoutingOracle.Bits(output), RoutingOracle.Bits(viaTensor));
        Assert.Equal(RoutingOracle.Bits(output), RoutingOracle.Bits(result.Output.ToArray()));
    }

    [Fact]
    public void Forward_WhenDropoutIsSet_ActsInTrainingOnly()
    {
        using var experts = TestExperts.Create(Options());
        using DynamicRouter router = Router();
        using var layer = new MoELayer(router, experts.Bank, new MoELayerOptions { DropoutRate = 0.5f });
        using var plain = new MoELayer(router, experts.Bank);
        float[] hidden = new SeededRandom(7).Gaussian(200 * Dim);
        float[] expected = new float[hidden.Length], inference = new float[hidden.Length], training = new float[hidden.Length];

        plain.Forward(hidden, 200, expected);
        layer.Forward(hidden, 200, inference);
        layer.Forward(hidden, 200, training, null, new RoutingContext { Training = true });

        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(inference));

        // 4800 coin flips: five standard deviations are 0.036.
        Assert.InRange(training.Count(y => y == 0) / (double)training.Length, 0.464, 0.536);
        Assert.All(training.Zip(expected), pair => Assert.True(pair.First == 0 || pair.First == 2 * pair.Second));
    }

    private static ExpertBankOptions Options(ExpertKind kind = ExpertKind.SwiGlu, WeightFormat format = WeightFormat.Float32, bool bias = false) => new()
    {
        NumExperts = Experts, Hidden = Dim, Width = kind == ExpertKind.Linear ? Dim : 20, Kind = kind, Format = format, UseBias = bias,
    };

    private static DynamicRouter Router() => new(new DynamicRouterOptions
    {
        InputDim = Dim, NumExperts = Experts, MaxExperts = 3, ComplexityEstimator = ComplexityEstimators.RouterMargin, LoadBalancing = false,
    });

    private static BoundedValues Reference(ReferenceLayer layer, float[] hidden, RoutingBuffers buffers)
    {
        int tokens = hidden.Length / Dim;
        return ReferenceMoE.Forward(
            layer,
            hidden,
            [.. Enumerable.Range(0, tokens).Select(t => buffers.IndicesOf(t).ToArray())],
            [.. Enumerable.Range(0, tokens).Select(t => buffers.WeightsOf(t).ToArray().Select(w => (double)w).ToArray())]);
    }
}
