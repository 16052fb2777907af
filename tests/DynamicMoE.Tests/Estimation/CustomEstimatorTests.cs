using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Estimation;

public sealed class CustomEstimatorTests
{
    private static readonly float[] Hidden = [1, 2, 3, 4, 4, 3, 2, 1];

    [Fact]
    public void Route_WhenTheEstimatorThrows_NamesItAndChangesNothing()
    {
        var cause = new InvalidOperationException("no signal");
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = new Custom(_ => throw cause) });
        var buffers = new RoutingBuffers(2, 1, 4, false);

        var error = Assert.Throws<ComplexityEstimationException>(() => router.Route(Hidden, 2, buffers));

        Assert.Equal("custom", error.EstimatorName);
        Assert.Contains("'custom'", error.Message, StringComparison.Ordinal);
        Assert.Same(cause, error.InnerException);
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
    }

    [Theory]
    [InlineData(float.NaN, true)]
    [InlineData(float.PositiveInfinity, true)]
    [InlineData(float.NaN, false)]
    [InlineData(-0.1f, false)]
    [InlineData(1.1f, false)]
    public void Route_WhenAScoreIsOutOfRange_NamesTokenAndValue(float value, bool normalize)
    {
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            ComplexityEstimator = new Custom(raw => (raw[0], raw[1]) = (0.5f, value), normalize),
        });

        var error = Assert.Throws<ComplexityEstimationException>(() => router.Route(Hidden, 2, new RoutingBuffers(2, 1, 4, false)));

        Assert.Contains("token 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Route_WhenHiddenStatesAreToBlame_SaysSoInsteadOfBlamingTheEstimator()
    {
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = new Custom(raw => raw.Fill(float.NaN)) });
        float[] hidden = [1, 2, 3, 4, 1, 2, float.NaN, 4];

        var error = Assert.Throws<RoutingValidationException>(() => router.Route(hidden, 2, new RoutingBuffers(2, 1, 4, false)));

        Assert.Contains("token 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Route_WhenScoresNeedNoNormalisation_UsesThemAsTheyAre()
    {
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = new Custom(raw => (raw[0], raw[1]) = (0, 1), false) });
        var buffers = new RoutingBuffers(2, 4, 4, false);

        router.Route(Hidden, 2, buffers);

        Assert.Equal([0f, 1f], buffers.ComplexityScores);
        Assert.Equal([1, 4], buffers.ExpertsPerToken);
    }

    [Fact]
    public void Route_WhenScoresAreNormalised_UsesTheStateBeforeTheBatch()
    {
        float next = 0;
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = new Custom(raw => raw.Fill(next)) });
        var buffers = new RoutingBuffers(2, 1, 4, false);

        router.Route(Hidden, 2, buffers);
        Assert.Equal([0.5f, 0.5f], buffers.ComplexityScores);

        next = 10;
        router.Route(Hidden, 2, buffers);
        Assert.Equal([1f, 1f], buffers.ComplexityScores);
    }

    [Fact]
    public void RouterLogits_WhenAskedForInsideARouter_AreTheGatesOwn()
    {
        float[] seen = [];
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = new LogitsEstimator(l => seen = l) });

        router.Route(Hidden, 2, new RoutingBuffers(2, 1, 4, false));

        Assert.Equal(Hidden, seen);
        Assert.True(new EstimationInput(Hidden, 2, 4).RouterLogits().IsEmpty);
        Assert.Throws<RoutingValidationException>(() => new EstimationInput(Hidden, 3, 4));
    }

    [Fact]
    public void Epsilon_WhenGivenToTheBaseClass_IsKeptAndChecked()
    {
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = new EpsilonEstimator(0.125f) });
        var buffers = new RoutingBuffers(2, 1, 4, false);

        router.Route(Hidden, 2, buffers);

        Assert.Equal([0.125f, 0.125f], buffers.ComplexityScores);
        foreach (float wrong in new[] { 0, -1e-8f, float.NaN, float.PositiveInfinity })
        {
            Assert.Contains(
                "Epsilon", Assert.Throws<RouterConfigurationException>(() => new EpsilonEstimator(wrong)).Message, StringComparison.Ordinal);
        }
    }

    private delegate void Write(Span<float> raw);

    private sealed class Custom(Write write, bool normalize = true) : ComplexityEstimator(normalize)
    {
        public override string Name => "custom";

        public override void Estimate(in EstimationInput input, Span<float> raw) => write(raw);
    }

    private sealed class LogitsEstimator(Action<float[]> see) : ComplexityEstimator
    {
        public override string Name => "logits";

        public override void Estimate(in EstimationInput input, Span<float> raw)
        {
            see(input.RouterLogits().ToArray());
            raw.Clear();
        }
    }

    /// <summary>Scores every token by its epsilon.</summary>
    private sealed class EpsilonEstimator(float epsilon) : ComplexityEstimator(normalize: false, epsilon)
    {
        public override string Name => "epsilon";

        public override void Estimate(in EstimationInput input, Span<float> raw) => raw.Fill(Epsilon);
    }
}
