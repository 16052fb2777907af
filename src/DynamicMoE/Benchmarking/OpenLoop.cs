using System.Runtime.ExceptionServices;

namespace DynamicMoE;

/// <summary>Times of requests, in seconds.</summary>
/// <param name="Response">From the intended arrival to the end.</param>
/// <param name="Wait">From the intended arrival to the start of serving.</param>
/// <param name="Service">From the start of serving to the end.</param>
/// <param name="Lag">From when a request had arrived and a server was free to the start of serving: what waking up and the machine cost, not the queue.</param>
/// <param name="Total">From the start of the run to the last end.</param>
internal sealed record OpenLoopTimes(double[] Response, double[] Wait, double[] Service, double[] Lag, double Total);

/// <summary>
/// Serves requests that arrive by a schedule of their own, whether or not earlier ones are done: a request that finds every server busy waits, and its
/// time counts from when it should have begun. A slow request thus shows in those behind it, which a loop of one call after the other would have
/// left out (coordinated omission).
/// </summary>
internal sealed class OpenLoop : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly long[] _arrivals;
    private readonly int _servers;
    private readonly int _warmupCalls;
    private readonly CancellationToken _cancel;
    private readonly Lock _gate = new();
    private readonly Barrier _ready;
    private readonly long[] _begins;
    private readonly long[] _ends;
    private long _start;
    private int _next;
    private ExceptionDispatchInfo? _failure;

    private OpenLoop(TimeProvider clock, long[] arrivals, int servers, int warmupCalls, CancellationToken cancel)
    {
        _clock = clock;
        _arrivals = arrivals;
        _servers = servers;
        _warmupCalls = warmupCalls;
        _cancel = cancel;
        _begins = new long[arrivals.Length];
        _ends = new long[arrivals.Length];
        _ready = new Barrier(servers, _ => _start = clock.GetTimestamp());
    }

    /// <summary>Runs a schedule to its end. The calling thread serves too.</summary>
    /// <param name="clock">Clock of the schedule.</param>
    /// <param name="arrivals">Ticks after the start, ascending.</param>
    /// <param name="servers">One per request that can be served at a time.</param>
    /// <param name="warmupCalls">Calls of each before the start, which do not count.</param>
    /// <param name="cancel">Ends the run between two requests.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal static OpenLoopTimes Run(
        TimeProvider clock, long[] arrivals, IReadOnlyList<IRequestServer> servers, int warmupCalls, CancellationToken cancel)
    {
        using var loop = new OpenLoop(clock, arrivals, servers.Count, warmupCalls, cancel);
        Thread[] others = [.. servers.Skip(1).Select(server => new Thread(() => loop.Work(server)) { IsBackground = true, Name = "dynamicmoe benchmark" })];
        foreach (Thread thread in others)
        {
            thread.Start();
        }

        loop.Work(servers[0]);
        foreach (Thread thread in others)
        {
            thread.Join();
        }

        loop._failure?.Throw();
        return loop.Times();
    }

    public void Dispose() => _ready.Dispose();

    private void Work(IRequestServer server)
    {
        try
        {
            WarmUp(server);
            _ready.SignalAndWait(CancellationToken.None);
            while (TryTake(out int request))
            {
                server.Serve(request);
                _ends[request] = _clock.GetTimestamp();
                server.Count();
            }
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null);
        }
    }

    private void WarmUp(IRequestServer server)
    {
        try
        {
            for (int run = 0; run < _warmupCalls; run++)
            {
                _cancel.ThrowIfCancellationRequested();
                server.Serve(run);
            }
        }
        catch
        {
            // The others must not wait for this one.
            _ready.RemoveParticipant();
            throw;
        }
    }

    // One server at a time waits for the next arrival, so that one core at most spins; the others queue for the lock.
    private bool TryTake(out int request)
    {
        lock (_gate)
        {
            request = _next;
            if (request == _arrivals.Length || Volatile.Read(ref _failure) is not null)
            {
                return false;
            }

            _next++;
            ArrivalWait.Until(_clock, _start + _arrivals[request], _cancel);
            _begins[request] = _clock.GetTimestamp();
            return true;
        }
    }

    private OpenLoopTimes Times()
    {
        int count = _arrivals.Length;
        double[] response = new double[count], wait = new double[count], service = new double[count], lag = new double[count];

        // The ends that servers came to last, one per server: requests are taken in their order, so the earliest of them is when one was free.
        var free = new PriorityQueue<long, long>(Enumerable.Repeat((_start, _start), _servers));
        for (int request = 0; request < count; request++)
        {
            long arrival = _start + _arrivals[request];
            response[request] = _clock.Seconds(arrival, _ends[request]);
            wait[request] = _clock.Seconds(arrival, _begins[request]);
            service[request] = _clock.Seconds(_begins[request], _ends[request]);
            lag[request] = _clock.Seconds(Math.Max(arrival, free.Dequeue()), _begins[request]);
            free.Enqueue(_ends[request], _ends[request]);
        }

        return new OpenLoopTimes(response, wait, service, lag, _clock.Seconds(_start, _ends.Max()));
    }
}
