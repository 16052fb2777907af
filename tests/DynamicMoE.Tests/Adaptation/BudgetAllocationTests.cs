using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Tests.Adaptation;

public sealed class BudgetAllocationTests
{
    [Fact]
    public void Divide_WhenThereIsNoProfile_GivesEveryLayerTheMean()
    {
        var budgets = new double[3];
        BudgetAllocation.Divide([], 1.5, 1, 2, budgets);

        Assert.Equal([1.5, 1.5, 1.5], budgets);
    }

    [Fact]
    public void Divide_WhenALayerWouldExceedTheMaximum_GivesTheRestToTheOthers()
    {
        var budgets = new double[3];
        BudgetAllocation.Divide([8, 1, 1], 1.5, 1, 2, budgets);

        Assert.Equal([2, 1.25, 1.25], budgets);
    }

    [Fact]
    public void Divide_WhenAllSensitiveLayersAreFull_SharesTheRestAmongTheOthers()
    {
        var budgets = new double[4];
        BudgetAllocation.Divide([1, 0, 0, 0], 1.75, 1, 2, budgets);

        Assert.Equal(2, budgets[0]);
        Assert.All(budgets[1..], budget => Assert.Equal(1 + 2.0 / 3, budget, 12));
    }

    [Fact]
    public void Divide_WhateverTheProfile_KeepsTheMeanAndTheRangeAndTheOrder()
    {
        var random = new SeededRandom(31);
        for (int run = 0; run < 500; run++)
        {
            int layers = random.NextInt(1, 13);
            double[] profile = [.. Enumerable.Range(0, layers).Select(_ => Math.Max(0, Math.Exp(3 * random.NextGaussian()) - 0.2))];
            profile[0] += 1e-3;
            double mean = 1 + 3 * random.NextDouble();
            var budgets = new double[layers];
            BudgetAllocation.Divide(profile, mean, 1, 4, budgets);

            Assert.Equal(mean, budgets.Average(), 9);
            Assert.All(budgets, budget => Assert.InRange(budget, 1, 4));
            int[] order = [.. Enumerable.Range(0, layers).OrderBy(l => profile[l])];
            Assert.True(order.Zip(order.Skip(1)).All(pair => budgets[pair.First] <= budgets[pair.Second] + 1e-12));
        }
    }
}
