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
    public void Divide_WhenLayersDiffer_GivesUpInProportionToTheFifthRootOfTheirInverse()
    {
        // 32^(-1/5) = 1/2: of the 1.5 experts that are given up, the first layer gives half of what each of the others does.
        var budgets = new double[3];
        BudgetAllocation.Divide([32, 1, 1], 1.5, 1, 2, budgets);

        Assert.Equal([1.7, 1.4, 1.4], budgets.Select(budget => Math.Round(budget, 12)));
    }

    [Fact]
    public void Divide_WhenALayerWouldFallBelowTheMinimum_TakesTheRestFromTheOthers()
    {
        // Of 1.8 times the room in proportion 1 : 2 the second would give 1.2 times; it gives 1, the first the other 0.8.
        var budgets = new double[2];
        BudgetAllocation.Divide([32, 1], 1.3, 1, 4, budgets);

        Assert.Equal([1.6, 1], budgets.Select(budget => Math.Round(budget, 12)));
    }

    [Fact]
    public void Divide_Always_GivesTheLeastLossAmongItsNeighbours()
    {
        double[] profile = [10, 30, 145, 400];
        var budgets = new double[4];
        BudgetAllocation.Divide(profile, 1.5, 1, 2, budgets);

        double best = Loss(budgets);
        for (int from = 0; from < 4; from++)
        {
            for (int to = 0; to < 4; to++)
            {
                double[] moved = [.. budgets];
                moved[from] -= 0.01;
                moved[to] += 0.01;
                Assert.True(from == to || Loss(moved) > best);
            }
        }

        double Loss(double[] at) => at.Zip(profile, (budget, weight) => weight * Math.Pow(2 - budget, 6)).Sum();
    }

    [Fact]
    public void Divide_WhenLayersLoseNothing_TheyGiveUpFirst()
    {
        var budgets = new double[4];
        BudgetAllocation.Divide([0, 5, 0, 5], 1.75, 1, 2, budgets);

        Assert.Equal([1.5, 2, 1.5, 2], budgets);
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
