using DynamicMoE.TestKit.Memory;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

public sealed class BudgetArbiterTests
{
    private static BudgetArbiter Create(double budget = 2, int layers = 1, double[]? sensitivity = null, ListLogger? logger = null) =>
        new(new BudgetArbiterOptions { Budget = budget, MaxExperts = 4, Layers = layers, Sensitivity = sensitivity, Logger = logger });

    [Theory]
    [InlineData(null, null, null, null, 2.0, BudgetDecider.Layer)]
    [InlineData(3.0, null, null, null, 3.0, BudgetDecider.Request)]
    [InlineData(null, 2.5, null, null, 2.5, BudgetDecider.Guardrail)]
    [InlineData(null, 1.5, null, null, 2.0, BudgetDecider.Layer)]
    [InlineData(null, null, 1.25, null, 1.25, BudgetDecider.Latency)]
    [InlineData(null, null, null, 1.25, 1.25, BudgetDecider.Overload)]
    [InlineData(null, null, 1.25, 1.25, 1.25, BudgetDecider.Overload)]
    [InlineData(null, null, 1.5, 1.25, 1.25, BudgetDecider.Overload)]
    [InlineData(null, null, 1.25, 1.5, 1.25, BudgetDecider.Latency)]
    [InlineData(null, 3.0, 2.5, null, 2.5, BudgetDecider.Latency)]
    [InlineData(4.0, 3.0, 2.5, 1.5, 1.5, BudgetDecider.Overload)]
    [InlineData(9.0, null, null, null, 4.0, BudgetDecider.Maximum)]
    [InlineData(0.0, null, null, null, 1.0, BudgetDecider.Minimum)]
    [InlineData(null, 3.0, null, -1.0, 1.0, BudgetDecider.Minimum)]
    [InlineData(null, null, -1.0, null, 1.0, BudgetDecider.Minimum)]
    [InlineData(null, 0.5, 0.25, null, 1.0, BudgetDecider.Minimum)]
    [InlineData(null, 17.0, null, null, 4.0, BudgetDecider.Maximum)]
    public void Decide_WhateverTheInputs_FollowsTheRule(
        double? request, double? floor, double? latency, double? overload, double effective, BudgetDecider by)
    {
        BudgetArbiter arbiter = Create();
        arbiter.GuardrailFloor = floor;
        arbiter.LatencyCeiling = latency;
        arbiter.OverloadCeiling = overload;
        BudgetDecision decision = arbiter.BeginBatch();
        if (request is { } budget)
        {
            decision = arbiter.DecideFor(budget);
        }

        Assert.Equal(effective, decision.Effective);
        Assert.Equal(by, decision.DecidedBy);
        Assert.Equal(request ?? 2, decision.Base);
        double lowest = Math.Min(latency ?? double.PositiveInfinity, overload ?? double.PositiveInfinity);
        Assert.Equal(lowest, decision.Ceiling);
        Assert.Equal(floor is { } least && effective < Math.Clamp(least, 1, 4), decision.GuardrailOverridden);
    }

    [Fact]
    public void BeginBatch_WhenOverloadBeatsTheGuardrail_SaysSoOnce()
    {
        var logger = new ListLogger();
        BudgetArbiter arbiter = Create(logger: logger);
        arbiter.GuardrailFloor = 1.7;
        arbiter.BeginBatch();
        Assert.Empty(logger.Messages);

        arbiter.OverloadCeiling = 1.25;
        arbiter.BeginBatch();
        arbiter.OverloadCeiling = 1.2;
        arbiter.BeginBatch();

        Assert.True(arbiter.Decision.GuardrailOverridden);
        Assert.Contains("1.25", Assert.Single(logger.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public void Setters_WhenABatchRuns_ActOnTheNextOne()
    {
        BudgetArbiter arbiter = Create(layers: 2);
        arbiter.BeginBatch();
        arbiter.Budget = 3;
        arbiter.GuardrailFloor = 3.5;

        Assert.Equal(2, arbiter.Decision.Effective);
        Assert.Equal(2, arbiter.DecideFor(2).Effective);
        Assert.Equal(2, arbiter.LayerBudget(1));
        Assert.Equal(3.5, arbiter.BeginBatch().Effective);
        Assert.Equal(3.5, arbiter.LayerBudget(1));
    }

    [Fact]
    public void BeginBatch_WhenLayersHaveControllers_WritesTheirBudgets()
    {
        BudgetArbiter arbiter = Create(layers: 2, sensitivity: [32, 1]);
        ThresholdController[] controllers = [Controller(), Controller()];
        arbiter.Attach(0, controllers[0]);
        arbiter.Attach(1, controllers[1]);

        // Of 4 experts that are given up the first layer gives half of what the second does.
        Assert.Equal([2.667, 1.333], controllers.Select(c => Math.Round(c.Budget, 3)));

        arbiter.OverloadCeiling = 1.5;
        arbiter.BeginBatch();

        // The second layer has no more than 3 of 5 to give up.
        Assert.Equal([2, 1], controllers.Select(c => Math.Round(c.Budget, 12)));
    }

    [Fact]
    public void LayerBudgets_WhenGiven_AreEachLayersOwnAndScaleWithTheMean()
    {
        var arbiter = new BudgetArbiter(new BudgetArbiterOptions { MaxExperts = 4, Layers = 3, LayerBudgets = [1.5, 3, 3.75] });
        ThresholdController[] controllers = [Controller(), Controller(), Controller()];
        for (int layer = 0; layer < 3; layer++)
        {
            arbiter.Attach(layer, controllers[layer]);
        }

        Assert.Equal(2.75, arbiter.Budget);
        Assert.Equal([1.5, 3, 3.75], controllers.Select(c => c.Budget));
        double[] means = [1, 1.25, 2, 3, 3.9, 4];
        foreach (double mean in means)
        {
            double[] budgets = [.. Enumerable.Range(0, 3).Select(layer => arbiter.LayerBudgetFor(layer, mean))];
            Assert.Equal(mean, budgets.Average(), 12);
            Assert.All(budgets, budget => Assert.InRange(budget, 1, 4));
        }

        // One factor for all: 2 / 2.75, where no layer meets a bound.
        arbiter.OverloadCeiling = 2;
        arbiter.BeginBatch();
        Assert.Equal([1.0909, 2.1818, 2.7273], controllers.Select(c => Math.Round(c.Budget, 4)));
    }

    [Theory]
    [InlineData(2.0, null, "exclude Budget and Sensitivity")]
    [InlineData(0.0, 1.0, "exclude Budget and Sensitivity")]
    [InlineData(0.0, null, "LayerBudgets must be within 1..4")]
    public void LayerBudgets_WhenTheyAreNotTheOnlyOnesOrOutOfRange_AreRefused(double budget, double? sensitivity, string problem)
    {
        var options = new BudgetArbiterOptions
        {
            Budget = budget, MaxExperts = 4, LayerBudgets = [0.5], Sensitivity = sensitivity is { } value ? [value] : null,
        };

        Assert.Contains(problem, Assert.Throws<RouterConfigurationException>(() => new BudgetArbiter(options)).Message, StringComparison.Ordinal);
        options = new BudgetArbiterOptions { MaxExperts = 4, Layers = 2, LayerBudgets = [1] };
        Assert.Contains("LayerBudgets has 1 elements", Assert.Throws<RouterConfigurationException>(() => new BudgetArbiter(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Router_WhenItsLayerIsTaken_IsRefusedUntilTheOtherIsDisposed()
    {
        BudgetArbiter arbiter = Create(layers: 2);
        DynamicRouterOptions options = new()
        {
            Strategy = RoutingStrategy.Threshold, InputDim = 4, NumExperts = 8, MaxExperts = 4, Arbiter = arbiter, ArbiterLayer = 1,
        };
        var first = new DynamicRouter(options);

        Assert.Contains("ArbiterLayer (1)", Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(options)).Message, StringComparison.Ordinal);
        arbiter.Budget = 3;
        arbiter.BeginBatch();
        Assert.Equal(3, first.Controller!.Budget);
        first.Dispose();
        using var second = new DynamicRouter(options);
        first.Dispose();
        arbiter.Budget = 2.5;
        arbiter.BeginBatch();
        Assert.Equal(2.5, second.Controller!.Budget);
        Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(options));
    }

    [Fact]
    public void BudgetName_OfARouterWithABudget_IsThatOfItsArbiter()
    {
        DynamicRouterOptions options = new()
        {
            Strategy = RoutingStrategy.Threshold, InputDim = 4, NumExperts = 8, MaxExperts = 4, MeanExpertsBudget = 2, BudgetName = "router-name",
        };
        using (var router = new DynamicRouter(options))
        {
            // Other tests of the process may have used up the names.
            Assert.Contains(router.Arbiter!.Tag, new[] { "router-name", "other" });
        }

        options.BudgetName = "";
        Assert.Contains("BudgetName", Assert.Throws<RouterConfigurationException>(() => new DynamicRouter(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Propose_WhenBothPropose_AddsThemWithinTheRange()
    {
        BudgetArbiter arbiter = Create();
        arbiter.ProposeAdaptation(0.5);
        arbiter.ProposeScaling(-0.25);
        Assert.Equal(2.25, arbiter.BeginBatch().Effective);

        arbiter.ProposeScaling(-9);
        BudgetDecision decision = arbiter.BeginBatch();

        Assert.Equal(1, decision.Effective);
        Assert.Equal(BudgetDecider.Layer, decision.DecidedBy);
    }

    [Fact]
    public void Frozen_WhenSet_IgnoresProposalsAndStopsControllers()
    {
        BudgetArbiter arbiter = Create();
        ThresholdController controller = Controller();
        arbiter.Attach(0, controller);
        arbiter.Frozen = true;
        arbiter.ProposeAdaptation(0.5);
        arbiter.OverloadCeiling = 1.5;

        Assert.True(controller.Frozen);
        Assert.Equal(1.5, arbiter.BeginBatch().Effective);
        Assert.Equal(2, arbiter.Decision.Base);
    }

    [Fact]
    public void BeginBatch_WhenNothingChanged_AllocatesNothing()
    {
        BudgetArbiter arbiter = Create();
        arbiter.GuardrailFloor = 1.5;
        arbiter.BeginBatch();
        double sum = 0;
        Assert.Equal(0, AllocatedBytes.Least(
            () =>
            {
                arbiter.GuardrailFloor = 1.5;
                arbiter.ProposeAdaptation(0);
                sum += arbiter.BeginBatch().Effective + arbiter.DecideFor(1.75).Effective;
            },
            calls: 1000,
            before: () => sum = 0));
        Assert.Equal(3750, sum);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Setters_WhenTheValueIsNotFinite_RefuseItAndChangeNothing(double value)
    {
        BudgetArbiter arbiter = Create();

        Assert.Throws<RouterConfigurationException>(() => arbiter.Budget = value);
        Assert.Throws<RouterConfigurationException>(() => arbiter.GuardrailFloor = value);
        Assert.Throws<RouterConfigurationException>(() => arbiter.LatencyCeiling = value);
        Assert.Throws<RouterConfigurationException>(() => arbiter.OverloadCeiling = value);
        Assert.Throws<RouterConfigurationException>(() => arbiter.ProposeAdaptation(value));
        Assert.Throws<RouterConfigurationException>(() => arbiter.ProposeScaling(value));
        Assert.Throws<RouterConfigurationException>(() => arbiter.DecideFor(value));
        Assert.Equal(new BudgetDecision(2, 0, double.PositiveInfinity, 2, BudgetDecider.Layer, false), arbiter.BeginBatch());
    }

    [Fact]
    public void Constructor_WhenOptionsAreBroken_NamesThem()
    {
        var options = new BudgetArbiterOptions { Budget = 5, MaxExperts = 4, Layers = 2, Sensitivity = [0, double.NaN, 1] };

        string message = Assert.Throws<RouterConfigurationException>(() => new BudgetArbiter(options)).Message;

        Assert.Contains("Budget (5) is outside 1..4", message, StringComparison.Ordinal);
        Assert.Contains("Sensitivity has 3 elements, Layers is 2", message, StringComparison.Ordinal);
        Assert.Contains("must be finite", message, StringComparison.Ordinal);
        Assert.Throws<RouterConfigurationException>(() => Create(sensitivity: [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Create().LayerBudget(1));
    }

    private static ThresholdController Controller() => new(new ThresholdControllerOptions { Budget = 2, MaxExperts = 4 });
}
