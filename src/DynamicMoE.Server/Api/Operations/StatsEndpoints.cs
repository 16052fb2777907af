using System.Globalization;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Server;

/// <summary><c>GET /v1/stats</c> and <c>GET /v1/stats/stream</c>.</summary>
internal sealed class StatsEndpoints(IInferenceService service, TimeProvider time, IHostApplicationLifetime? lifetime)
{
    /// <summary>Listeners of the stream at most.</summary>
    public const int MaxListeners = 64;

    private const int LeastMilliseconds = 100, MostMilliseconds = 10_000, DefaultMilliseconds = 500;

    private int _listeners;

    public Task GetAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return JsonAnswer.SendAsync(context, service.GetStats(), ApiJsonContext.Default.ServiceStats);
    }

    public async Task StreamAsync(HttpContext context)
    {
        TimeSpan interval = Interval(context.Request.Query["interval"]);
        try
        {
            if (Interlocked.Increment(ref _listeners) > MaxListeners)
            {
                throw new ProblemException(Problems.TooManyListeners(MaxListeners));
            }

            await FollowAsync(context, interval).ConfigureAwait(false);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _listeners);
        }
    }

    private async Task FollowAsync(HttpContext context, TimeSpan interval)
    {
        // A stream without end would hold up a host that stops.
        CancellationToken stopping = lifetime?.ApplicationStopping ?? CancellationToken.None;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        using var events = new EventStream(context);
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                await events.SendAsync(service.GetStats(), ApiJsonContext.Default.ServiceStats, end.Token).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(end.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private static TimeSpan Interval(StringValues query)
    {
        if (query.Count == 0)
        {
            return TimeSpan.FromMilliseconds(DefaultMilliseconds);
        }

        int milliseconds = 0;
        Expect.Valid(
            query.Count == 1 && int.TryParse(query[0], NumberStyles.None, CultureInfo.InvariantCulture, out milliseconds) &&
            milliseconds is >= LeastMilliseconds and <= MostMilliseconds,
            "interval",
            $"interval is {Printable.Quote(query.ToString())}, an integer between {LeastMilliseconds} and {MostMilliseconds} is needed.");
        return TimeSpan.FromMilliseconds(milliseconds);
    }
}
