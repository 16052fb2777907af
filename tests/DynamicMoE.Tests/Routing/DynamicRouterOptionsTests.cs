using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

public sealed class DynamicRouterOptionsTests
{
    [Fact]
    public void Defaults_WhenNothingIsSet_AreThoseOfTheSpecification()
    {
        var options = new DynamicRouterOptions();

        Assert.Equal(1, options.MinExperts);
        Assert.Null(options.MaxExperts);
        Assert.Equal(ComplexityEstimators.GradientNorm, options.ComplexityEstimator.Name);
        Assert.Equal(RoutingStrategy.TopK, options.Strategy);
        Assert.Equal(0f, options.NoiseFactor);
        Assert.Equal(Weighting.Renormalize, options.Weighting);
        Assert.Equal(0.3f, options.Tau);
        Assert.Null(options.MeanExpertsBudget);
    }

    [Fact]
    public void Constructor_WhenMaxExpertsIsNull_UsesAllExperts()
    {
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 8, NumExperts = 6 });

        Assert.Equal((1, 6, 8, 6), (router.MinExperts, router.MaxExperts, router.InputDim, router.NumExperts));
    }

    [Fact]
    public void Constructor_WhenMaxExpertsIsNullOverAGate_UsesTheTrainedCount()
    {
        using GateWeights gate = Gates.Identity(6, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());

        Assert.Equal((6, 6, 2), (router.InputDim, router.NumExperts, router.MaxExperts));
    }

    [Fact]
    public void Constructor_WhenEverythingIsWrong_NamesEveryValueInOneMessage()
    {
        var options = new DynamicRouterOptions
        {
            InputDim = 0,
            NumExperts = 4,
            MinExperts = 6,
            MaxExperts = 5,
            ComplexityEstimator = "no_such",
            NoiseFactor = 2,
            Tau = float.NaN,
            TopP = 0,
            BalanceStep = -1,
            MeanExpertsBudget = 9,
            SelectionBias = [1, float.PositiveInfinity],
            Strategy = (RoutingStrategy)7,
        };

        var error = Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(options));

        foreach (string part in new[]
        {
            "InputDim (0)", "MinExperts (6) exceeds MaxExperts (5)", "MaxExperts (5) exceeds NumExperts (4)", "'no_such'", "NoiseFactor (2)",
            "Tau (NaN)", "TopP (0)", "BalanceStep (-1)", "MeanExpertsBudget (9)", "SelectionBias has 2 elements", "element 1", "Strategy (7)",
        })
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4097)]
    public void Constructor_WhenExpertCountIsOutOfRange_SaysSo(int experts)
    {
        var error = Assert.Throws<RouterConfigurationException>(
            () => new DynamicRouter(new DynamicRouterOptions { InputDim = 8, NumExperts = experts }));

        Assert.Contains($"NumExperts ({experts}) is outside 1..4096", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WhenShapeDiffersFromTheGate_NamesBoth()
    {
        using GateWeights gate = Gates.Identity(6);

        var error = Assert.Throws<RouterConfigurationException>(
            () => new DynamicRouter(gate, new DynamicRouterOptions { InputDim = 5, NumExperts = 7 }));

        Assert.Contains("InputDim (5) differs from that of the gate weights (6)", error.Message, StringComparison.Ordinal);
        Assert.Contains("NumExperts (7) differs from that of the gate weights (6)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WhenBudgetMeetsTopK_IsRefused()
    {
        var options = new DynamicRouterOptions { InputDim = 4, NumExperts = 4, MeanExpertsBudget = 1.5 };

        var error = Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(options));

        Assert.Contains("needs Strategy Threshold", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WhenArgumentsAreNull_ThrowsArgumentNull()
    {
        Assert.Throws<ArgumentNullException>("options", () => new DynamicRouter(null!));
        Assert.Throws<ArgumentNullException>("options", () => new AdaptiveRouter(null!));
        Assert.Throws<ArgumentNullException>("gate", () => new DynamicRouter(null!, new DynamicRouterOptions()));
    }

    [Fact]
    public void Constructor_WhenTheGateExceedsItsLargestSize_NamesBoth()
    {
        const string expected = "NumExperts (4096) * InputDim (1048576) = 4294967296, at most 2147483591";
        var router = new DynamicRouterOptions { InputDim = 1_048_576, NumExperts = 4096 };
        var gate = new GateOptions { InputDim = 1_048_576, NumExperts = 4096 };

        foreach (Func<IDisposable> make in (Func<IDisposable>[])[() => new DynamicRouter(router), () => GateWeights.CreateRandom(gate), () => GateWeights.Create([0], [], gate)])
        {
            Assert.Contains(expected, Assert.Throws<RouterConfigurationException>(make).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Constructor_WhenOptionsChangeLater_KeepsItsOwn()
    {
        var options = new DynamicRouterOptions { InputDim = 4, NumExperts = 4, MaxExperts = 2, SelectionBias = [0, 0, 0, 5] };
        using var router = new DynamicRouter(options);
        options.MaxExperts = 4;
        options.SelectionBias[3] = -5;

        var buffers = new RoutingBuffers(1, 4, 4, false);
        router.Route([0.1f, 0.2f, 0.3f, 0.4f], 1, buffers);

        Assert.Equal(2, router.MaxExperts);
        Assert.Equal(3, buffers.ExpertIndices[0]);
    }

    [Theory]
    [InlineData("router_margin", true)]
    [InlineData("router_entropy", true)]
    [InlineData("gradient_norm", false)]
    [InlineData("attention_entropy", false)]
    [InlineData("perplexity_proxy", false)]
    [InlineData("threshold", false)]
    public void EstimatorName_WhenChosenByName_IsThatName(string name, bool fused)
    {
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 4, NumExperts = 4, ComplexityEstimator = name });

        Assert.Equal(name, router.EstimatorName);
        Assert.Equal(fused, router.Estimator is null);
    }

    [Theory]
    [InlineData("router_margin", 0.8f, 3)]
    [InlineData("router_entropy", 0.83836f, 4)]
    [InlineData("gradient_norm", 0.5f, 2)]
    [InlineData("threshold", 0.5f, 2)]
    public void Route_WhenAnEstimatorIsChosen_UsesItsScores(string name, float score, int count)
    {
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = name });
        var buffers = new RoutingBuffers(1, 4, 4, false);

        // Probabilities 5/11, 4/11, 1/11, 1/11: margin 4/5, entropy 0.838 of ln 4; the others are not calibrated yet and say 1/2.
        router.Route([MathF.Log(5), MathF.Log(4), 0, 0], 1, buffers);

        Assert.Equal(score, buffers.ComplexityScores[0], 1e-4f);
        Assert.Equal(count, buffers.ExpertsPerToken[0]);
    }

    [Fact]
    public void EstimatorChoice_WhenCompared_KnowsNamesAndInstances()
    {
        var estimator = new ThresholdEstimator();
        EstimatorChoice byInstance = estimator;
        EstimatorChoice byName = ComplexityEstimators.Threshold;

        Assert.True(byInstance == new EstimatorChoice(estimator));
        Assert.True(byInstance != byName);
        Assert.Equal(byInstance.Name, byName.Name);
        Assert.Equal(default, new EstimatorChoice(ComplexityEstimators.GradientNorm));
        Assert.Throws<ArgumentNullException>(() => new EstimatorChoice((string)null!));
        Assert.Throws<ArgumentNullException>(() => new EstimatorChoice((ComplexityEstimator)null!));
    }

    [Fact]
    public void Constructor_WhenEstimatorOptionsAreWrong_NamesThem()
    {
        var options = new DynamicRouterOptions
        {
            InputDim = 4, NumExperts = 4, EstimatorOptions = new EstimatorOptions { Percentile = 0, SmoothingFactor = 2, Temperature = 0, Epsilon = 0 },
        };

        var error = Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(options));

        Assert.Contains("Percentile (0)", error.Message, StringComparison.Ordinal);
        Assert.Contains("SmoothingFactor (2)", error.Message, StringComparison.Ordinal);
        Assert.Contains("Temperature (0)", error.Message, StringComparison.Ordinal);
        Assert.Contains("Epsilon (0)", error.Message, StringComparison.Ordinal);
    }
}
