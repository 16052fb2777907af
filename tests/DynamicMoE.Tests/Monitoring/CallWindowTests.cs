using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Monitoring;

public sealed class CallWindowTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Read_WhenCallsWereRecorded_HasTheirFigures()
    {
        CallWindow window = Make();
        Serve(window, TimeSpan.FromMilliseconds(2), tokens: 3, [4, 2]);
        Serve(window, TimeSpan.FromMilliseconds(4), tokens: 1, [0, 2]);
        window.Failed(_clock.GetTimestamp(), CallFault.Service);
        window.Failed(_clock.GetTimestamp(), CallFault.Router);
        window.Failed(_clock.GetTimestamp(), CallFault.Caller);

        CallFigures figures = window.Read();

        Assert.Equal(2, figures.Window.Served);
        Assert.Equal(2, figures.Window.Errors);
        Assert.Equal(1, figures.Window.Rejected);
        Assert.Equal(4, figures.Window.Tokens);
        Assert.Equal(8, figures.Window.Routes);
        Assert.Equal(0.5, figures.ErrorRate);
        Assert.Equal(0.003, figures.MeanSeconds, 9);
        Assert.InRange(figures.P50, 0.002, 0.002 * 17 / 16);
        Assert.InRange(figures.P99, 0.004, 0.004 * 17 / 16);
        Assert.Equal([0.5, 0.5], figures.Usage.AvgUsagePerExpert);
        Assert.Equal(0.006, figures.Covered.TotalSeconds, 9);
    }

    [Fact]
    public void Read_WhenTheWindowMovedOn_ForgetsCallsButNotTotals()
    {
        CallWindow window = Make();
        Serve(window, TimeSpan.FromMilliseconds(2), tokens: 1, [1, 0]);
        _clock.Advance(TimeSpan.FromSeconds(6));
        Serve(window, TimeSpan.FromMilliseconds(8), tokens: 1, [0, 1]);
        _clock.Advance(TimeSpan.FromSeconds(6.5));

        CallFigures figures = window.Read();

        Assert.Equal(1, figures.Window.Served);
        Assert.Equal([0.0, 1.0], figures.Usage.AvgUsagePerExpert);
        Assert.InRange(figures.P50, 0.008, 0.0085);
        Assert.Equal(2, figures.Total.Served);
        Assert.InRange(figures.Covered.TotalSeconds, 11, 12);
    }

    [Fact]
    public void Read_WhenTimestampsGoBack_KeepsWhatItHas()
    {
        CallWindow window = Make();
        Serve(window, TimeSpan.FromMilliseconds(2), tokens: 1, [1, 0]);
        long start = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromHours(-3));
        double seconds = window.Served(start, new RoutingReport(1, 1, 1, 1, 0, 0), [1, 0]);

        CallFigures figures = window.Read();

        Assert.Equal(0, seconds);
        Assert.Equal(2, figures.Window.Served);
        Assert.Equal(0.001, figures.MeanSeconds, 9);
        Assert.Equal(TimeSpan.Zero, figures.Covered);
    }

    [Theory]
    [InlineData(13)]
    [InlineData(1_000_000_000)]
    public void Read_WhenTheClockLeapsAhead_IsEmpty(double seconds)
    {
        CallWindow window = Make();
        Serve(window, TimeSpan.FromMilliseconds(2), tokens: 1, [1, 0]);
        _clock.Advance(TimeSpan.FromSeconds(seconds));

        CallFigures figures = window.Read();

        Assert.Equal(0, figures.Window.Served);
        Assert.Equal(0, figures.P99);
        Assert.Equal(0, figures.ErrorRate);
        Assert.Equal(1, figures.Total.Served);
        Assert.InRange(figures.Covered.TotalSeconds, 11, 12);
    }

    [Fact]
    public void Read_WhenTimePassesInAnyWay_CountsWhatIsInTheWindow()
    {
        var random = new SeededRandom(5);
        CallWindow window = Make();
        var times = new List<double>();
        double now = 0;
        for (int call = 0; call < 500; call++)
        {
            double pause = random.NextDouble() < 0.05 ? random.NextDouble() * 15 : random.NextDouble() * 0.2;
            _clock.Advance(TimeSpan.FromSeconds(pause));
            now += TimeSpan.FromSeconds(pause).TotalSeconds;
            window.Served(_clock.GetTimestamp(), new RoutingReport(1, 1, 1, 1, 0, 0), [1, 0]);
            times.Add(now);

            long served = window.Read().Window.Served;

            // The window is between 11 and 12 slots long.
            Assert.InRange(served, times.Count(t => t > now - 11 + 1e-6), times.Count(t => t >= now - 12 - 1e-6));
        }
    }

    private CallWindow Make() => new(TimeSpan.FromSeconds(12), _clock, experts: 2);

    private void Serve(CallWindow window, TimeSpan time, int tokens, long[] routes)
    {
        long start = _clock.GetTimestamp();
        _clock.Advance(time);
        window.Served(start, new RoutingReport(tokens, routes.Sum(), routes.Count(r => r > 0), routes.Max(), 0, 0), routes);
    }
}
