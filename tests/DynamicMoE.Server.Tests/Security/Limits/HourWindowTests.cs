namespace DynamicMoE.Server.Tests.Security.Limits;

public sealed class HourWindowTests
{
    // Against the list of all moments: never more than the limit in an hour, and never refused while 61 minutes have room.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 2)]
    [InlineData(100, 3)]
    public void Take_WhenRequestsComeAtRandom_KeepsTheLimitInEveryHour(int limit, int seed)
    {
        var random = new Random(seed);
        var window = new HourWindow();
        List<double> taken = [];
        int refused = 0, accepted = 0;
        double now = 0;
        for (int i = 0; i < 2000; i++)
        {
            now += random.NextDouble() < 0.01 ? random.NextDouble() * 10_000 : random.NextDouble() * 4000 / limit;
            bool good = window.Take(now, limit).Taken;
            if (good)
                taken.Add(now);
            else
                refused++;
            taken.RemoveAll(moment => moment <= now - 3660);
            Assert.True(taken.Count(moment => moment > now - 3600) <= limit);
            Assert.True(good || taken.Count >= limit);
            accepted += good ? 1 : 0;
        }

        Assert.True(refused > 0 && accepted > limit);
    }

    [Fact]
    public void Take_WhenRefused_TellsTheFirstMomentAtWhichItIsTaken()
    {
        var random = new Random(4);
        var window = new HourWindow();
        double now = 0;
        for (int i = 0; i < 300; i++)
        {
            now += random.NextDouble() * 60;
            WindowState state = window.Take(now, 20);
            if (!state.Taken)
            {
                Assert.InRange(state.Wait, 0, 3660);
                Assert.False(window.Take(now + state.Wait - 0.001, 20).Taken);
                now += state.Wait;
                Assert.True(window.Take(now, 20).Taken);
            }
        }
    }

    [Fact]
    public void Take_WhenTheLimitFalls_CountsWhatWasTaken()
    {
        var window = new HourWindow();
        for (int i = 0; i < 10; i++)
            Assert.Equal((true, 9 - i), (window.Take(0, 10).Taken, window.Take(0, 0).Left + 9 - i));

        Assert.False(window.Take(1, 5).Taken);
        Assert.True(window.Take(1, 11).Taken);
        Assert.False(window.IsEmptyAt(3600));
        Assert.True(window.IsEmptyAt(3660));
    }
}
