using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>What a router learns from batches.</summary>
public sealed class DynamicRouterStateTests
{
    [Theory]
    [InlineData(1.25)]
    [InlineData(1.5)]
    public void Route_WhenABudgetIsSet_HoldsItWithinTwoPercent(double budget)
    {
        const int experts = 8;
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = budget });
        var trace = new Trace(21);
        var buffers = new RoutingBuffers(64, 2, experts, false);
        var means = new List<double>();
        for (int batch = 0; batch < 400; batch++)
        {
            means.Add(router.Route(trace.Next(64, experts), 64, buffers).MeanExpertsPerToken);
        }

        Assert.InRange(means.Skip(100).Take(100).Average(), budget * 0.98, budget * 1.02);
        Assert.InRange(means.Skip(300).Average(), budget * 0.98, budget * 1.02);
        Assert.Equal(budget, router.Controller!.RealisedMean, 0.05);
        Assert.Equal(router.Controller.Tau, router.Tau);
    }

    [Fact]
    public void Route_WhenTokensBringTheirOwnThresholds_LeavesThemOutOfTheMean()
    {
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5 });

        router.Route(RouterLogits.Finite("gaussian", 32, 4), 32, new RoutingBuffers(32, 2, 4, false), new RoutingContext { TokenTaus = new float[32] });

        Assert.True(double.IsNaN(router.Controller!.RealisedMean));
        Assert.NotEqual(0.3f, router.Tau);
    }

    [Fact]
    public void Route_WhenLoadBalancingIsOn_EvensOutASkewedGate()
    {
        static double Score(bool balanced)
        {
            const int experts = 4;
            using GateWeights gate = Gates.Identity(experts);
            using var router = new DynamicRouter(gate, new DynamicRouterOptions { LoadBalancing = balanced, BalanceStep = 0.01f, BalanceBound = 0.5f });
            var random = new SeededRandom(3);
            var buffers = new RoutingBuffers(64, 1, experts, false);
            var recent = new long[experts];
            for (int batch = 0; batch < 200; batch++)
            {
                float[] logits = random.Gaussian(64 * experts, 0.3);
                for (int token = 0; token < 64; token++)
                {
                    logits[token * experts] += 0.6f;
                }

                router.Route(logits, 64, buffers);
                for (int e = 0; e < experts && batch >= 100; e++)
                {
                    recent[e] += buffers.ExpertRoutes[e];
                }
            }

            return ExpertUsageStats.From(100, recent).LoadBalanceScore;
        }

        Assert.InRange(Score(balanced: false), 0, 0.6);
        Assert.InRange(Score(balanced: true), 0.95, 1);
    }

    [Fact]
    public void Constructor_WhenBuiltOverAGate_LeavesLoadBalancingOff()
    {
        using GateWeights gate = Gates.Identity(3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        using var own = new DynamicRouter(new DynamicRouterOptions { InputDim = 3, NumExperts = 3, MaxExperts = 1, BalanceStep = 0.5f, BalanceBound = 1 });
        float[] same = [3, 2, 1];
        var buffers = new RoutingBuffers(1, 1, 3, false);

        var fixedChoices = new HashSet<int>();
        var balancedChoices = new HashSet<int>();
        for (int i = 0; i < 20; i++)
        {
            router.Route(same, 1, buffers);
            fixedChoices.Add(buffers.ExpertIndices[0]);
            own.Route(same, 1, buffers);
            balancedChoices.Add(buffers.ExpertIndices[0]);
        }

        Assert.Equal([0], fixedChoices);
        Assert.True(balancedChoices.Count > 1);
    }

    [Fact]
    public void Constructor_WhenTheDefaultEstimatorIsKept_LogsThatAnotherMeasuredBetter()
    {
        var log = new ListLogger();
        using var bare = new DynamicRouter(new DynamicRouterOptions { InputDim = 2, NumExperts = 2, Logger = log });
        using var chosen = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = 2, NumExperts = 2, Logger = log, ComplexityEstimator = ComplexityEstimators.RouterMargin,
        });

        Assert.Contains("router_margin measured better", Assert.Single(log.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WhenMoreThanTheTrainedCountIsAllowed_Warns()
    {
        var log = new ListLogger();
        using GateWeights gate = Gates.Identity(4, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            MaxExperts = 3, Logger = log, ComplexityEstimator = ComplexityEstimators.RouterMargin,
        });

        Assert.Contains("MaxExperts (3) exceeds the 2", Assert.Single(log.Messages), StringComparison.Ordinal);
    }
}
