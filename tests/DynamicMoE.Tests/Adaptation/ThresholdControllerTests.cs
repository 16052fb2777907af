using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

public sealed class ThresholdControllerTests
{
    private const int Experts = 8;
    private const int Batch = 64;

    private static ThresholdController Create(double budget, int max = 2) =>
        new(new ThresholdControllerOptions { Budget = budget, MaxExperts = max });

    [Theory]
    [InlineData(1.1, 2)]
    [InlineData(1.25, 2)]
    [InlineData(1.5, 2)]
    [InlineData(1.75, 2)]
    [InlineData(2.5, 4)]
    public void Observe_WhenInputIsSteady_HoldsTheBudgetWithinTwoPercent(double budget, int max)
    {
        ThresholdController controller = Create(budget, max);
        double[] means = Run(controller, new Trace(11), batches: 1000, max);

        AssertRolling(means, from: 200, budget, 0.02);
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(5.0)]
    public void Observe_WhenInputShifts_IsBackWithinFivePercentInHundredBatches(double scale)
    {
        ThresholdController controller = Create(1.5);
        var trace = new Trace(12);
        Run(controller, trace, batches: 400, 2);
        trace.Scale = scale;
        double[] after = Run(controller, trace, batches: 600, 2);

        // A window of 100 batches that lies whole behind the first 100 after the shift, and every later one.
        AssertRolling(after, from: 200, 1.5, 0.05);
        Assert.Equal(1.5, after[100..150].Average(), 0.05 * 1.5);
        AssertRolling(after, from: 400, 1.5, 0.02);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Observe_WhenBatchesAreSmall_HoldsTheBudget(int tokens)
    {
        ThresholdController controller = Create(1.5);
        double[] means = Run(controller, new Trace(13), batches: 64_000 / tokens, 2, tokens);

        Assert.InRange(means[(means.Length / 2)..].Average(), 1.47, 1.53);
    }

    [Fact]
    public void Tau_WhenNothingWasObserved_IsTheInitialOne()
    {
        ThresholdController controller = Create(1.5);

        Assert.Equal(0.3f, controller.Tau);
        Assert.Equal(0.3f, controller.TauFor(1.2));
        Assert.True(double.IsNaN(controller.RealisedMean));
        Assert.Equal((0f, 1f), (controller.TauFor(2), controller.TauFor(1)));
        Assert.Equal((0f, 1f), (Create(2).Tau, Create(1).Tau));
    }

    [Fact]
    public void Tau_WhenTheBudgetIsEveryExpert_IsZeroWhateverWasSeen()
    {
        ThresholdController controller = Create(2);
        double[] means = Run(controller, new Trace(19), 200, 2);

        Assert.All(means, mean => Assert.Equal(2, mean));
        Assert.Equal((0f, true), (controller.Tau, controller.BudgetAttainable));
        Assert.Equal(2, controller.ReachableMean, 9);
    }

    [Fact]
    public void TauFor_WhenBudgetRises_Falls()
    {
        ThresholdController controller = Create(1.5);
        Run(controller, new Trace(14), 50, 2);
        float[] taus = [.. new[] { 1.0, 1.2, 1.4, 1.6, 1.8, 2.0 }.Select(controller.TauFor)];

        Assert.Equal(taus.OrderDescending(), taus);
        Assert.Equal(1f, taus[0]);
    }

    [Fact]
    public void Observe_WhenFrozen_ChangesNothing()
    {
        ThresholdController controller = Create(1.5);
        Run(controller, new Trace(15), 10, 2);
        controller.Frozen = true;
        float before = controller.Tau;
        Run(controller, new Trace(16, scale: 9), 10, 2);

        Assert.Equal(before, controller.Tau);
    }

    [Fact]
    public void Restore_WhenGivenASnapshot_ContinuesAlike()
    {
        ThresholdController first = Create(1.5);
        Run(first, new Trace(17), 20, 2);
        ThresholdController second = Create(1.25);
        second.Restore(first.Snapshot());
        Assert.Equal(first.Tau, second.Tau);
        Assert.Equal(1.5, second.Budget);

        Run(first, new Trace(18), 5, 2);
        Run(second, new Trace(18), 5, 2);

        Assert.Equal(first.Tau, second.Tau);
    }

    [Fact]
    public void Restore_WhenSnapshotIsBroken_RefusesItAndChangesNothing()
    {
        ThresholdController controller = Create(1.5);
        ThresholdControllerSnapshot good = controller.Snapshot();

        Assert.Throws<RouterConfigurationException>(() => controller.Restore(good with { Budget = 5 }));
        Assert.Throws<RouterConfigurationException>(() => controller.Restore(good with { Tau = float.NaN }));
        Assert.Throws<RouterConfigurationException>(() => controller.Restore(good with { GapCounts = [1.0] }));
        Assert.Throws<ArgumentNullException>(() => controller.Restore(null!));
        Assert.Equal(1.5, controller.Budget);
    }

    [Theory]
    [InlineData(0.9)]
    [InlineData(2.1)]
    [InlineData(double.NaN)]
    public void Budget_WhenOutOfRange_IsRefused(double budget)
    {
        Assert.Throws<RouterConfigurationException>(() => Create(budget));
    }

    [Fact]
    public void Observe_WhenShapesDoNotFit_IsRefused()
    {
        ThresholdController controller = Create(1.5);

        Assert.Throws<RoutingValidationException>(() => controller.Observe([0f, 1f, 2f], 2, 2, default));
        Assert.Throws<RoutingValidationException>(() => controller.Observe([0f], 1, 1, default));
        Assert.Throws<RoutingValidationException>(() => controller.Observe([0f, 1f], 1, 2, [1, 2]));
    }

    [Theory]
    [InlineData(0, 1.0)]
    [InlineData(-1, 2.0)]
    public void Observe_WhenTokensGotNoExpert_CountsThoseThatWereRoutedByIt(int count, double mean)
    {
        // 0: all its routes were dropped for capacity. -1: a threshold of its own.
        ThresholdController controller = Create(1.5);
        controller.Observe(new float[128 * 2], 128, 2, [.. Enumerable.Range(0, 128).Select(token => token % 2 == 0 ? 2 : count)]);

        Assert.Equal(mean, controller.RealisedMean);
    }

    [Fact]
    public void Observe_WhenExpertsAreMasked_StaysInRange()
    {
        ThresholdController controller = Create(1.5);
        for (int batch = 0; batch < 50; batch++)
        {
            controller.Observe([0f, float.PositiveInfinity], 1, 2, [1]);
        }

        Assert.InRange(controller.Tau, 0, 1);
    }

    /// <summary>Routes as the threshold rule says and returns the mean count of each batch.</summary>
    private static double[] Run(ThresholdController controller, Trace trace, int batches, int max, int tokens = Batch)
    {
        var means = new double[batches];
        var gaps = new float[tokens * max];
        var counts = new int[tokens];
        for (int batch = 0; batch < batches; batch++)
        {
            float[] logits = trace.Next(tokens, Experts);
            float limit = -MathF.Log(controller.Tau);
            for (int token = 0; token < tokens; token++)
            {
                float[] best = [.. logits.Skip(token * Experts).Take(Experts).OrderDescending().Take(max)];
                counts[token] = 1;
                for (int slot = 0; slot < max; slot++)
                {
                    gaps[token * max + slot] = best[0] - best[slot];
                    counts[token] += slot > 0 && gaps[token * max + slot] <= limit ? 1 : 0;
                }
            }

            controller.Observe(gaps, tokens, max, counts);
            means[batch] = counts.Average();
        }

        return means;
    }

    private static void AssertRolling(double[] means, int from, double budget, double share)
    {
        for (int end = from; end <= means.Length; end++)
        {
            double mean = means[Math.Max(0, end - 100)..end].Average();
            Assert.True(Math.Abs(mean - budget) <= share * budget, $"rolling mean {mean:F4} at batch {end}, budget {budget}");
        }
    }
}
