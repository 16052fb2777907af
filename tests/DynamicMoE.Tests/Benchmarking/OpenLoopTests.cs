using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Benchmarking;

public class OpenLoopTests
{
    [Fact]
    public void Run_WhenRequestsQueue_CountsTimesFromTheIntendedArrival()
    {
        var clock = new SelfMovingClock();
        var server = new Server(_ => clock.Advance(3));

        OpenLoopTimes times = OpenLoop.Run(clock, Milliseconds(0, 1, 2, 10), [server], warmupCalls: 2, CancellationToken.None);

        // Served from 0, 3, 6 and 10 on.
        Assert.Equal([0.003, 0.005, 0.007, 0.003], times.Response);
        Assert.Equal([0, 0.002, 0.004, 0], times.Wait);
        Assert.Equal([0.003, 0.003, 0.003, 0.003], times.Service);
        Assert.Equal([0, 0, 0, 0], times.Lag);
        Assert.Equal(0.013, times.Total);
        Assert.Equal([0, 1, 0, 1, 2, 3], server.Requests);
        Assert.Equal(4, server.Counted);
    }

    [Fact]
    public void Run_WhenAFreeServerBeginsLate_IsLagAndNotTheQueue()
    {
        // Requests at 0, 1, 2 and 10 ms of 3 ms each; after each the server, free by then, is held up for 4 ms.
        var clock = new SelfMovingClock();
        var server = new Server(_ => clock.Advance(3), () => clock.Advance(4));

        OpenLoopTimes times = OpenLoop.Run(clock, Milliseconds(0, 1, 2, 10), [server], warmupCalls: 0, CancellationToken.None);

        Assert.Equal([0, 0.006, 0.012, 0.011], times.Wait);
        Assert.Equal([0, 0.004, 0.004, 0.004], times.Lag);
    }

    [Fact]
    public void Run_WhenOneRequestIsSlow_ShowsItInAllThatHadToWait()
    {
        // One call of 1 s in 100 of 1 ms, arriving every 10 ms: one call after the other would see one slow call in 100, p95 = 1 ms.
        var clock = new SelfMovingClock();
        var server = new Server(request => clock.Advance(request == 10 ? 1000 : 1));

        OpenLoopTimes times = OpenLoop.Run(
            clock, Milliseconds([.. Enumerable.Range(0, 100).Select(i => i * 10)]), [server], 0, CancellationToken.None);

        Assert.Equal(0.001, new Sample(times.Service).Quantile(0.95));
        Assert.Equal(1.000, times.Response[10], 9);

        // The 11th should have begun at 110 ms and ended at 1101 ms.
        Assert.Equal(0.991, times.Response[11], 9);
        Assert.True(new Sample(times.Response).Quantile(0.95) > 0.9);
    }

    [Fact]
    public void Run_WhenTwoServe_ServesTwoAtATime()
    {
        var clock = new SelfMovingClock();
        using var both = new Barrier(2);
        Server[] servers = [new(_ => Meet(both)), new(_ => Meet(both))];

        OpenLoopTimes times = OpenLoop.Run(clock, new long[20], servers, 0, CancellationToken.None);

        Assert.Equal(20, times.Response.Length);
        Assert.Equal((10, 10), (servers[0].Counted, servers[1].Counted));
        Assert.Equal(Enumerable.Range(0, 20), servers.SelectMany(server => server.Requests).Order());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Run_WhenAServerThrows_EndsWithItsError(int warmupCalls)
    {
        var clock = new SelfMovingClock();
        var healthy = new Server(_ => { });
        var broken = new Server(_ => throw new InvalidDataException("broken"));

        var error = Assert.Throws<InvalidDataException>(
            () => OpenLoop.Run(clock, new long[1_000_000], [broken, healthy], warmupCalls, CancellationToken.None));

        Assert.Equal("broken", error.Message);
    }

    [Fact]
    public void Run_WhenCancelled_EndsBetweenTwoRequests()
    {
        var clock = new SelfMovingClock();
        using var cancel = new CancellationTokenSource();
        var server = new Server(request =>
        {
            if (request == 4)
            {
                cancel.Cancel();
            }
        });

        Assert.Throws<OperationCanceledException>(() => OpenLoop.Run(clock, new long[10], [server], 0, cancel.Token));
        Assert.Equal([0, 1, 2, 3, 4], server.Requests);
    }

    [Fact]
    public void Until_WhenTheClockIsTheSystems_ReturnsWhenItIsTime()
    {
        TimeProvider clock = TimeProvider.System;
        long due = clock.GetTimestamp() + (clock.TimestampFrequency / 200);

        ArrivalWait.Until(clock, due, CancellationToken.None);

        Assert.True(clock.GetTimestamp() >= due);
    }

    [Fact]
    public void Poisson_WhenDrawn_HasTheRateAndTheDistribution()
    {
        long[] arrivals = ArrivalSchedule.Poisson(20_000, 1000, TimeSpan.TicksPerSecond, 5);
        double[] gaps = [.. arrivals.Skip(1).Zip(arrivals, (later, earlier) => (later - earlier) / (double)TimeSpan.TicksPerSecond)];

        // Gaps of an exponential distribution of mean 1 ms: deviation as large as the mean, 1 - 1/e of them below it. Five standard errors.
        Assert.InRange(gaps.Average(), 0.00096, 0.00104);
        Assert.InRange(new Sample(gaps).StandardDeviation, 0.00095, 0.00105);
        Assert.InRange(gaps.Count(gap => gap < 0.001) / (double)gaps.Length, 0.632 - 0.018, 0.632 + 0.018);
        Assert.Equal(arrivals, ArrivalSchedule.Poisson(20_000, 1000, TimeSpan.TicksPerSecond, 5));
        Assert.NotEqual(arrivals, ArrivalSchedule.Poisson(20_000, 1000, TimeSpan.TicksPerSecond, 6));
    }

    private static void Meet(Barrier barrier) => Assert.True(barrier.SignalAndWait(TimeSpan.FromMinutes(1)));

    private static long[] Milliseconds(params int[] times) => [.. times.Select(time => time * TimeSpan.TicksPerMillisecond)];

    private sealed class Server(Action<int> serve, Action? count = null) : IRequestServer
    {
        public List<int> Requests { get; } = [];

        public int Counted { get; private set; }

        public void Serve(int request)
        {
            Requests.Add(request);
            serve(request);
        }

        public void Count()
        {
            Counted++;
            count?.Invoke();
        }
    }
}
