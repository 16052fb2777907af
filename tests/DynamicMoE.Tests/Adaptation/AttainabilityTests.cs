using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

/// <summary>Budgets that no threshold gives, and inputs that mean harm.</summary>
public sealed class AttainabilityTests
{
    private static ThresholdController Create(double budget, int max = 2) =>
        new(new ThresholdControllerOptions { Budget = budget, MaxExperts = max });

    [Theory]
    [InlineData(1.2, 0.6, 1.0)] // 60 % equal gaps at the bottom: means 1 and 1.6 and above
    [InlineData(1.4, 0.6, 1.6)]
    [InlineData(1.9, 0.6, 1.9)] // above the atom the gaps are spread
    public void Observe_WhenManyGapsAreEqual_HoldsTheNearestReachableMean(double budget, double share, double reachable)
    {
        ThresholdController controller = Create(budget);
        var random = new SeededRandom(61);
        var means = new List<double>();
        for (int batch = 0; batch < 400; batch++)
        {
            float[] gaps = Gaps(() => random.NextDouble() < share ? 0.25f : (float)(1 + random.NextDouble()));
            means.Add(ThresholdRule.Step(controller, gaps, 2));
        }

        Assert.Equal(reachable == budget, controller.BudgetAttainable);
        Assert.Equal(reachable, controller.ReachableMean, 0.04);
        for (int end = 200; end <= means.Count; end++)
        {
            Assert.Equal(reachable, means.GetRange(end - 100, 100).Average(), 0.03);
        }

        // No swinging between the reachable means: a single batch is never at the other one.
        Assert.All(means.Skip(100), mean => Assert.Equal(reachable, mean, 0.25));
    }

    [Fact]
    public void Observe_WhenTheEqualGapsVanish_HoldsTheBudgetAgain()
    {
        ThresholdController controller = Create(1.5);
        for (int batch = 0; batch < 300; batch++)
        {
            ThresholdRule.Step(controller, Gaps(() => 0), 2);
        }

        Assert.False(controller.BudgetAttainable);
        Assert.Equal(ConvergenceState.Missed, controller.State);
        Assert.Equal(2, controller.ReachableMean, 9);
        var random = new SeededRandom(62);
        for (int batch = 0; batch < 300; batch++)
        {
            ThresholdRule.Step(controller, Gaps(() => (float)random.NextDouble()), 2);
        }

        Assert.True(controller.BudgetAttainable);
        Assert.Equal(ConvergenceState.Converged, controller.State);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)]
    [InlineData(1e-38f)]
    [InlineData(5e-8f)]
    [InlineData(88f)]
    [InlineData(104f)]
    [InlineData(1e30f)]
    [InlineData(float.MaxValue)]
    [InlineData(float.PositiveInfinity)]
    public void Observe_WhenEveryTokenIsTheSame_NeverSwings(float gap)
    {
        ThresholdController controller = Create(1.5);
        var means = new List<double>();
        for (int batch = 0; batch < 100; batch++)
        {
            means.Add(ThresholdRule.Step(controller, Gaps(() => gap), 2));
        }

        Assert.InRange(controller.Tau, 0, 1);
        Assert.False(controller.BudgetAttainable);
        Assert.Single(means.Skip(2).Distinct());
        Assert.Equal(controller.ReachableMean, means[^1], 9);
    }

    // Of the gaps 41 % lie above 86 and 20 % below 6e-8, where taus cannot divide them; of three gaps in a row the largest counts.
    // Every gap but the far ones: 1 + 0.588 + 0.588^2 + 0.588^3 = 2.14. Beyond it there is only the mean of 4.
    [Theory]
    [InlineData(1.5, 1.5)]
    [InlineData(2.0, 2.0)]
    [InlineData(2.5, 2.14)]
    public void Observe_WhenGapsAreOfEveryMagnitude_HoldsTheBudgetOrTheNearestMean(double budget, double reachable)
    {
        ThresholdController controller = Create(budget, 4);
        var random = new SeededRandom(63);
        var means = new List<double>();
        for (int batch = 0; batch < 500; batch++)
        {
            var gaps = new float[64 * 4];
            for (int token = 0; token < 64; token++)
            {
                for (int slot = 1; slot < 4; slot++)
                {
                    gaps[(token * 4) + slot] = Math.Max(gaps[(token * 4) + slot - 1], (float)Math.Exp(20 * random.NextGaussian()));
                }
            }

            means.Add(ThresholdRule.Step(controller, gaps, 4));
        }

        Assert.Equal(reachable == budget, controller.BudgetAttainable);
        Assert.Equal(reachable, means.Skip(400).Average(), 0.02 * reachable);
    }

    private static float[] Gaps(Func<float> second)
    {
        var gaps = new float[128];
        for (int token = 0; token < 64; token++)
        {
            gaps[(token * 2) + 1] = second();
        }

        return gaps;
    }
}
