using System.Numerics.Tensors;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>Bad input: a typed exception that names the value, and nothing written.</summary>
public sealed class RoutingInputTests : IDisposable
{
    private const int Experts = 4;
    private readonly GateWeights _gate = Gates.Identity(Experts);
    private readonly DynamicRouter _router;
    private readonly RoutingBuffers _buffers = new(8, 2, Experts, true);

    public RoutingInputTests()
    {
        _router = new DynamicRouter(_gate, new DynamicRouterOptions { MaxExperts = 2 });
        Array.Fill(_buffers.ExpertIndices, 77);
        Array.Fill(_buffers.ExpertWeights, 77f);
    }

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Theory]
    [InlineData("nan")]
    [InlineData("positive_infinity")]
    [InlineData("negative_infinity")]
    public void Route_WhenAValueIsNotFinite_NamesTheLowestToken(string kind)
    {
        float[] hidden = RouterLogits.Refused(kind, 6, Experts, badToken: 3);
        hidden[5 * Experts] = float.NaN;

        RoutingValidationException error = Assert.Throws<RoutingValidationException>(() => _router.Route(hidden, 6, _buffers));

        Assert.Contains("token 3", error.Message, StringComparison.Ordinal);
        AssertNothingHappened();
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(4, -1)]
    [InlineData(7, 2)]
    [InlineData(4, 2)]
    public void Route_WhenShapeIsWrong_SaysWhatIsNeeded(int length, int tokens)
    {
        Assert.Throws<RoutingValidationException>(() => _router.Route(new float[length], tokens, _buffers));
        AssertNothingHappened();
    }

    [Fact]
    public void Route_WhenBuffersDoNotFit_SaysWhatIsNeeded()
    {
        var hidden = new float[9 * Experts];

        Throws("9 tokens", () => _router.Route(hidden, 9, _buffers));
        Throws("1 slots", () => _router.Route(hidden, 9, new RoutingBuffers(9, 1, Experts, false)));
        Throws("for 5 experts", () => _router.Route(hidden, 9, new RoutingBuffers(9, 2, 5, false)));
        Assert.Throws<ArgumentNullException>("buffers", () => _router.Route(hidden, 9, null!));
    }

    [Fact]
    public void Route_WhenContextDoesNotFit_NamesTheMember()
    {
        var hidden = new float[2 * Experts];

        Throws("ComplexityScores has 1", () => _router.Route(hidden, 2, _buffers, new RoutingContext { ComplexityScores = new float[1] }));
        Throws("ComplexityScores of token 1 is 1.5", () => _router.Route(hidden, 2, _buffers, new RoutingContext { ComplexityScores = new[] { 0, 1.5f } }));
        Throws("ComplexityScores of token 0 is NaN", () => _router.Route(hidden, 2, _buffers, new RoutingContext { ComplexityScores = new[] { float.NaN, 0 } }));
        Throws("TokenTaus of token 0 is -1", () => _router.Route(hidden, 2, _buffers, new RoutingContext { TokenTaus = new[] { -1f, 0 } }));
        Throws("ExpertCounts has 3", () => _router.Route(hidden, 2, _buffers, new RoutingContext { ExpertCounts = new int[3] }));
        Throws("Positions has 3", () => _router.Route(hidden, 2, _buffers, new RoutingContext { Positions = new long[3] }));
        Throws("ExpertMask has 2", () => _router.Route(hidden, 2, _buffers, new RoutingContext { ExpertMask = new byte[2] }));
        AssertNothingHappened();
    }

    [Fact]
    public void Route_WhenTensorDoesNotFit_SaysItsShape()
    {
        Throws("[4]", () => _router.Route(Tensor.Create(new float[4], [4])));
        Throws("[2, 5]", () => _router.Route(Tensor.Create(new float[10], [2, 5])));
        Throws("[1, 1, 1, 4]", () => _router.Route(Tensor.Create(new float[4], [1, 1, 1, 4])));
        Throws("[0, 4]", () => _router.Route(Tensor.Create(Array.Empty<float>(), [0, 4])));
    }

    [Fact]
    public void Route_WhenViewIsNotDense_IsRefused()
    {
        Throws("not a dense", () =>
        {
            var wide = new ReadOnlyTensorSpan<float>(new float[3 * 8], [3, 4], [8, 1]);
            _router.Route(in wide);
        });
    }

    [Fact]
    public void Route_WhenTensorHasThreeDimensions_KeepsThem()
    {
        RoutingResult result = _router.Route(Tensor.Create(RouterLogits.Finite("gaussian", 6, Experts), [2, 3, Experts]), returnRouterLogits: true);

        Assert.Equal([2, 3, 2], result.ExpertIndices.Lengths.ToArray());
        Assert.Equal([2, 3, 2], result.ExpertWeights.Lengths.ToArray());
        Assert.Equal([2, 3], result.ExpertsPerToken.Lengths.ToArray());
        Assert.Equal([2, 3], result.ComplexityScores.Lengths.ToArray());
        Assert.Equal([2, 3, Experts], result.RouterLogits!.Lengths.ToArray());
        Assert.Equal(6, result.Info.Report.Tokens);
        Assert.Equal(ComplexityEstimators.GradientNorm, result.Info.EstimatorName);
        Assert.Equal(0.5, result.Info.MeanComplexity, 6);
        Assert.False(result.Info.BatchWideRule);
        Assert.Null(_router.Route(Tensor.Create(new float[Experts], [1, Experts])).RouterLogits);
    }

    [Fact]
    public void Route_WhenTensorsAreReturned_HoldTheDecisions()
    {
        using GateWeights gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        float logOfThree = MathF.Log(3);
        var context = new RoutingContext { ExpertCounts = new[] { 2, 1 }, ComplexityScores = new[] { 0.25f, 0.75f } };

        RoutingResult result = router.Route(
            Tensor.Create([0, 0, logOfThree, 2 * logOfThree, -1, 4, 0, 0], [1, 2, Experts]), context: context);

        Assert.Equal([3, 2, 1, -1], result.ExpertIndices.ToArray());
        float[] weights = [0.75f, 0.25f, 1, 0];
        Assert.All(result.ExpertWeights.ToArray().Zip(weights), pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
        Assert.Equal([2, 1], result.ExpertsPerToken.ToArray());
        Assert.Equal([0.25f, 0.75f], result.ComplexityScores.ToArray());
        Assert.Equal((2L, 3L), (result.Info.Report.Tokens, result.Info.Report.Routes));
    }

    [Fact]
    public void Route_AfterDispose_ThrowsObjectDisposed()
    {
        _router.Dispose();
        _router.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _router.Route(new float[Experts], 1, _buffers));
        Assert.Equal(0, _router.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Route_AfterTheGateIsDisposed_ThrowsObjectDisposed()
    {
        _gate.Dispose();
        _gate.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _router.Route(new float[Experts], 1, _buffers));
        Assert.Throws<ObjectDisposedException>(() => _gate.Logits(new float[Experts], 1, new float[Experts]));
        Assert.Throws<ObjectDisposedException>(() => new MoELayer(_router, new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 4 }));
    }

    [Fact]
    public void Create_WhenGateWeightsAreWrong_SaysWhatIsNeeded()
    {
        var options = new GateOptions { InputDim = 3, NumExperts = 2 };

        Throws("5 elements", () => GateWeights.Create(new float[5], default, options));
        Throws("gate bias has 3", () => GateWeights.Create(new float[6], new float[3], options));
        Assert.Throws<RoutingValidationException>(() => GateWeights.Create([1, 2, float.NaN, 4, 5, 6], default, options));
        Assert.Throws<ArgumentNullException>(() => GateWeights.Create(new float[6], default, null!));
        Assert.Throws<RouterConfigurationException>(() => GateWeights.Create(
            new float[6], default, new GateOptions { InputDim = 3, NumExperts = 2, Groups = 2, TopGroups = 3, TrainedExperts = 5, RoutedScale = 0 }));
    }

    [Fact]
    public void RoutingBuffers_WhenSizesAreWrong_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("maxTokens", () => new RoutingBuffers(0, 1, 1, false));
        Assert.Throws<ArgumentOutOfRangeException>("slots", () => new RoutingBuffers(1, -1, 1, false));
        Assert.Throws<ArgumentOutOfRangeException>("numExperts", () => new RoutingBuffers(1, 1, 4097, false));
        Assert.Throws<ArgumentOutOfRangeException>("token", () => _buffers.IndicesOf(8));
        Assert.Throws<ArgumentOutOfRangeException>("token", () => _buffers.WeightsOf(-1));
    }

    private static void Throws(string part, Action action) =>
        Assert.Contains(part, Assert.Throws<RoutingValidationException>(action).Message, StringComparison.Ordinal);

    private void AssertNothingHappened()
    {
        Assert.All(_buffers.ExpertIndices, id => Assert.Equal(77, id));
        Assert.All(_buffers.ExpertWeights, weight => Assert.Equal(77f, weight));
        Assert.Equal(0, _router.GetExpertUsageStats().TotalBatches);
    }
}
