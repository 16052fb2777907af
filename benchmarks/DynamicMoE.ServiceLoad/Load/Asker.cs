using System.Diagnostics;
using System.Net.Sockets;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>Sends a call and says what became of it.</summary>
internal static class Asker
{
    private const string Ceiling = "DynamicMoE-Experts-Ceiling", RetryAfter = "Retry-After";

    /// <summary>Opens a connection; null and a sample where there is none to be had.</summary>
    public static async Task<Connection?> ConnectAsync(Uri address, Tally tally, CancellationToken cancellation)
    {
        long begin = Stopwatch.GetTimestamp();
        try
        {
            return await Connection.OpenAsync(address, cancellation);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            tally.Add(new Sample(default, Outcome.NotConnected, begin, 0, 0, Stopwatch.GetTimestamp(), false, error.Message), null);
            return null;
        }
    }

    public static async Task<Outcome> AskAsync(Connection connection, Call call, Tally tally, CancellationToken cancellation)
    {
        long begin = Stopwatch.GetTimestamp(), sent = 0;
        string? id = null;
        Sample sample;
        try
        {
            await connection.SendAsync(call.Request, cancellation);
            sent = connection.SentAt;
            HttpReply reply = await connection.ReceiveAsync(cancellation);
            (Outcome outcome, string? fault) = Judge(call, reply, ref id);
            sample = new Sample(call.Kind, outcome, begin, sent, reply.FirstByte, Stopwatch.GetTimestamp(), reply.Has(Ceiling), fault);
            if (connection.HasSurplus)
            {
                tally.AddSurplus();
            }
        }
        catch (LostAnswerException lost)
        {
            sample = new Sample(call.Kind, lost.Begun ? Outcome.Cut : Outcome.Closed, begin, sent, 0, Stopwatch.GetTimestamp(), false, $"{call.Kind}: {lost.Message}");
        }

        tally.Add(sample, id);
        return sample.Outcome;
    }

    private static (Outcome Outcome, string? Fault) Judge(Call call, HttpReply reply, ref string? id)
    {
        switch (reply.Status)
        {
            case 200:
                string? fault = call.Fault(reply, out id);
                return fault is null ? (Outcome.Answered, null) : (Outcome.Wrong, $"{call.Kind}: {fault}");
            case 429 when reply.Has(RetryAfter):
                return (Outcome.TooMany, null);
            case 503:
                return (Outcome.Unavailable, null);
            default:
                return (Outcome.Wrong, $"{call.Kind}: {reply.Status} {System.Text.Encoding.UTF8.GetString(reply.Body)}");
        }
    }
}
