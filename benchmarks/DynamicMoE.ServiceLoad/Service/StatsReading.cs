using System.Diagnostics;
using System.Text.Json;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Service;

/// <summary>What /v1/stats says.</summary>
internal sealed record StatsReading(
    long Accepted, long Answered, long Failed, long Cancelled, long Rejected, int Waiting, int Sequences, int OverloadLevel, double? P99)
{
    public bool IsIdle => Waiting == 0 && Sequences == 0;

    public static async Task<StatsReading> TakeAsync(ServiceProcess service, CancellationToken cancellation)
    {
        HttpReply reply = await service.AskAsync(HttpText.Get("/v1/stats"), cancellation);
        using var document = JsonDocument.Parse(reply.Body);
        JsonElement requests = document.RootElement.GetProperty("requests"), queue = document.RootElement.GetProperty("queue");
        JsonElement p99 = document.RootElement.GetProperty("latency").GetProperty("p99");
        return new StatsReading(
            requests.GetProperty("accepted").GetInt64(),
            requests.GetProperty("answered").GetInt64(),
            requests.GetProperty("failed").GetInt64(),
            requests.GetProperty("cancelled").GetInt64(),
            requests.GetProperty("rejected").GetInt64(),
            queue.GetProperty("requests").GetInt32(),
            queue.GetProperty("sequences").GetInt32(),
            queue.GetProperty("overload_level").GetInt32(),
            p99.ValueKind == JsonValueKind.Null ? null : p99.GetDouble());
    }

    /// <summary>Waits until something holds.</summary>
    /// <returns>The reading, and how long that took; the last reading when the time is over.</returns>
    public static async Task<(StatsReading Reading, TimeSpan Took)> WaitAsync(
        ServiceProcess service, Func<StatsReading, bool> holds, TimeSpan most, CancellationToken cancellation)
    {
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            StatsReading reading = await TakeAsync(service, cancellation);
            TimeSpan took = Stopwatch.GetElapsedTime(begin);
            if (holds(reading) || took > most)
            {
                return (reading, took);
            }

            await Task.Delay(20, cancellation);
        }
    }

    public StatsReading Since(StatsReading before) => this with
    {
        Accepted = Accepted - before.Accepted,
        Answered = Answered - before.Answered,
        Failed = Failed - before.Failed,
        Cancelled = Cancelled - before.Cancelled,
        Rejected = Rejected - before.Rejected,
    };
}
