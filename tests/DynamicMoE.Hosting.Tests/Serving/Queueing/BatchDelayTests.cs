using DynamicMoE.Hosting.Queueing;

namespace DynamicMoE.Hosting.Tests.Serving.Queueing;

public sealed class BatchDelayTests
{
    [Fact]
    public void Delay_WhenNobodyComes_FallsToNothingAndGrowsBackWithCompany()
    {
        var delay = new BatchDelay(TimeSpan.FromMicroseconds(200));
        for (int i = 0; i < 5; i++)
        {
            delay.Waited(gained: false);
        }

        Assert.Equal(TimeSpan.Zero, delay.Current);
        delay.Met();
        Assert.Equal(10, delay.Current.TotalMicroseconds);
        for (int i = 0; i < 20; i++)
        {
            delay.Waited(gained: true);
        }

        Assert.Equal(200, delay.Current.TotalMicroseconds);
    }

    [Fact]
    public void Delay_WhenTheLimitIsZero_StaysZero()
    {
        var delay = new BatchDelay(TimeSpan.Zero);
        delay.Met();

        Assert.Equal(TimeSpan.Zero, delay.Current);
    }
}
