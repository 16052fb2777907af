using System.Collections.Concurrent;
using System.Diagnostics;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>Requests that arrive at times of their own, whatever becomes of those before: a Poisson process over a set of kept connections.</summary>
internal sealed class OpenLoop(Uri address, CallPool pool, int seed, double perSecond, int connections)
{
    private readonly ConcurrentStack<Connection> _idle = [];
    private int _underWay;

    /// <summary>Arrivals.</summary>
    public long Offered { get; private set; }

    /// <summary>Arrivals that found no idle connection and were not sent.</summary>
    public long NotSent { get; private set; }

    /// <summary>Longest time by which the generator was behind, milliseconds.</summary>
    public double Behind { get; private set; }

    /// <summary>Runs for a time, then waits for what is under way.</summary>
    public async Task RunAsync(Tally tally, TimeSpan time, CancellationToken cancellation)
    {
        for (int i = 0; i < connections; i++)
        {
            _idle.Push(await Connection.OpenAsync(address, cancellation));
        }

        var random = new Random(seed);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        long begin = Stopwatch.GetTimestamp();
        double due = 0;
        for (double now = 0; ; now = Math.Min(Stopwatch.GetElapsedTime(begin).TotalSeconds, time.TotalSeconds))
        {
            // Arrivals that are late are sent all the same, so that a machine that stalls is offered no less.
            Behind = Offered > 0 && due < now ? Math.Max(Behind, 1000 * (now - due)) : Behind;
            for (; due <= now; due += -Math.Log(1 - random.NextDouble()) / perSecond)
            {
                Offered++;
                Start(pool.Pick(random), tally, cancellation);
            }

            if (now >= time.TotalSeconds)
            {
                break;
            }

            await tick.WaitForNextTickAsync(cancellation);
        }

        while (Volatile.Read(ref _underWay) > 0)
        {
            await Task.Delay(5, cancellation);
        }

        foreach (Connection connection in _idle)
        {
            connection.Dispose();
        }
    }

    private void Start(Call call, Tally tally, CancellationToken cancellation)
    {
        if (!_idle.TryPop(out Connection? connection))
        {
            NotSent++;
            return;
        }

        Interlocked.Increment(ref _underWay);
        _ = Task.Run(
            async () =>
            {
                try
                {
                    await Asker.AskAsync(connection, call, tally, cancellation);
                    await KeepAsync(connection, tally, cancellation);
                }
                finally
                {
                    Interlocked.Decrement(ref _underWay);
                }
            },
            cancellation);
    }

    private async Task KeepAsync(Connection connection, Tally tally, CancellationToken cancellation)
    {
        if (connection.IsOpen)
        {
            _idle.Push(connection);
            return;
        }

        connection.Dispose();
        if (await Asker.ConnectAsync(address, tally, cancellation) is { } another)
        {
            _idle.Push(another);
        }
    }
}
