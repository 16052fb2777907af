namespace DynamicMoE.Tests.Adaptation;

public sealed class BudgetWindowTests
{
    [Fact]
    public void Add_WhenBatchesAreSmall_GathersSixtyFourTokens()
    {
        var window = new BudgetWindow();

        Assert.False(window.Add(63, 126, 1.5));
        Assert.Equal(2, window.Mean);
        Assert.True(window.Add(1, 1, 1.5));
        Assert.Equal(1, window.Seen);
        Assert.Equal(127.0 / 64, window.Mean);
    }

    [Fact]
    public void Add_WhenMoreThanAHundredBatchesWereSeen_ForgetsTheOldest()
    {
        var window = new BudgetWindow();
        for (int batch = 0; batch < 150; batch++)
        {
            window.Add(64, batch < 100 ? 64 : 128, 1.5);
        }

        Assert.True(window.Full);
        Assert.Equal(1.5, window.Mean);
        Assert.Equal(0, window.Miss, 12);
    }

    [Fact]
    public void Miss_WhenTheBudgetMoved_ComparesWithTheBudgetsOfTheBatches()
    {
        var window = new BudgetWindow();
        for (int batch = 0; batch < 100; batch++)
        {
            window.Add(64, batch < 50 ? 64 : 128, batch < 50 ? 1 : 2);
        }

        Assert.Equal(0, window.Miss, 12);
        window.Clear();
        Assert.True(double.IsNaN(window.Mean));
    }
}
