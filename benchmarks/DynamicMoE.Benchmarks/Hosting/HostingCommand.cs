using System.Buffers.Binary;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using DynamicMoE.Cli.Models;

namespace DynamicMoE.Benchmarks.Hosting;

/// <summary>What does the service cost beside the same call in process? Latency at one token: the service, less a bare endpoint with the same bytes, less the call in
/// process, alternating; more than 100 us is exit code 1. Processor time at 64 tokens: the calls in process over the whole serving process; less than 0.90 too.</summary>
internal static class HostingCommand
{
    private const double MostMicroseconds = 100;
    private const double LeastShare = 0.90;
    private const int HeaderBytes = 40;
    private const int BatchTokens = 64;

    public static int Run(string[] args)
    {
        var shape = new Option<string>("--shape") { Description = "Layer size", DefaultValueFactory = _ => "M" };
        shape.AcceptOnlyFromAmong([.. LayerShape.All.Select(s => s.Name)]);
        var format = new Option<string>("--format") { Description = "Format of the weights", DefaultValueFactory = _ => "bf16" };
        format.AcceptOnlyFromAmong([.. WeightFormats.Names]);
        var calls = new Option<int>("--calls") { Description = "Calls of each kind in a round", DefaultValueFactory = _ => 500 };
        var rounds = new Option<int>("--rounds") { Description = "Times that everything is measured", DefaultValueFactory = _ => 5 };
        var serve = new Option<bool>("--serve") { Description = "The serving process itself", Hidden = true };
        var root = new RootCommand("Cost of hosting") { shape, format, calls, rounds, serve };
        root.SetAction(async (parsed, _) =>
        {
            LayerShape chosen = LayerShape.Named(parsed.GetValue(shape)!);
            string name = parsed.GetValue(format)!;
            if (parsed.GetValue(serve))
            {
                await HostedLayer.ServeAsync(chosen, LayerFormats.Named(name)).ConfigureAwait(false);
                return 0;
            }

            return await MeasureAsync(chosen, name, parsed.GetValue(calls), parsed.GetValue(rounds)).ConfigureAwait(false);
        });
        return root.Parse(args).Invoke();
    }

    private static async Task<int> MeasureAsync(LayerShape shape, string format, int calls, int rounds)
    {
        using HostedProcess server = HostedProcess.Start(shape.Name, format);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1 }) { BaseAddress = server.Address };
        using MoELayer layer = HostedLayer.Create(shape, LayerFormats.Named(format));
        var overheads = new List<double>();
        var shares = new List<double>();
        Console.WriteLine($"{shape.Name} {format}; {RuntimeInfo.Query().CpuName}; {rounds} rounds of {calls} calls");
        Console.WriteLine("T=1: service us   bare us  in process us  overhead us    T=64: in process CPU s  server CPU s  share");
        for (int round = 0; round < rounds; round++)
        {
            (double service, double bare, double call) = await LatencyAsync(client, layer, shape, calls).ConfigureAwait(false);
            overheads.Add(service - bare - call);
            (double own, double served) = await CpuAsync(client, server, layer, shape, calls / 2).ConfigureAwait(false);
            shares.Add(own / served);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{service,15:F1} {bare,9:F1} {call,14:F1} {overheads[^1],12:F1} {own,26:F2} {served,13:F2} {shares[^1],6:F3}"));
        }

        double overhead = Median(overheads), share = Median(shares);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median: overhead {overhead:F1} us (at most {MostMicroseconds}), share {share:F3} (at least {LeastShare})"));
        return overhead <= MostMicroseconds && share >= LeastShare ? 0 : 1;
    }

    private static async Task<(double Service, double Bare, double Call)> LatencyAsync(HttpClient client, MoELayer layer, LayerShape shape, int calls)
    {
        var output = new float[shape.Hidden];
        var times = new double[3][];
        for (int kind = 0; kind < times.Length; kind++)
        {
            times[kind] = new double[calls];
        }

        for (int i = -20; i < calls; i++)
        {
            float[] hidden = Rows(shape, 1, i);
            byte[] body = Body(shape, 1, hidden);
            for (int turn = 0; turn < times.Length; turn++)
            {
                int kind = (turn + Math.Abs(i)) % times.Length;
                long begin = Stopwatch.GetTimestamp();
                if (kind == 2)
                {
                    _ = layer.Forward(hidden, 1, output);
                }
                else
                {
                    await PostAsync(client, kind == 0 ? "/v1/forward" : "/bare", body).ConfigureAwait(false);
                }

                if (i >= 0)
                {
                    times[kind][i] = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
                }
            }
        }

        return (Median(times[0]), Median(times[1]), Median(times[2]));
    }

    private static async Task<(double Own, double Served)> CpuAsync(HttpClient client, HostedProcess server, MoELayer layer, LayerShape shape, int calls)
    {
        float[] hidden = Rows(shape, BatchTokens, 0);
        byte[] body = Body(shape, BatchTokens, hidden);
        var output = new float[hidden.Length];
        await PostAsync(client, "/v1/forward", body).ConfigureAwait(false);
        double before = server.CpuSeconds;
        for (int i = 0; i < calls; i++)
        {
            await PostAsync(client, "/v1/forward", body).ConfigureAwait(false);
        }

        double served = server.CpuSeconds - before;
        TimeSpan start = Environment.CpuUsage.TotalTime;
        for (int i = 0; i < calls; i++)
        {
            _ = layer.Forward(hidden, BatchTokens, output);
        }

        return ((Environment.CpuUsage.TotalTime - start).TotalSeconds, served);
    }

    private static async Task PostAsync(HttpClient client, string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using HttpResponseMessage response = await client.PostAsync(path, content).ConfigureAwait(false);
        _ = response.EnsureSuccessStatusCode();
        _ = await response.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
    }

    private static float[] Rows(LayerShape shape, int tokens, int seed)
    {
        var random = new Random(seed);
        var rows = new float[tokens * shape.Hidden];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = random.NextSingle() - 0.5f;
        }

        return rows;
    }

    // The header of the service's binary body (its README has the table).
    private static byte[] Body(LayerShape shape, int tokens, float[] rows)
    {
        var body = new byte[HeaderBytes + (rows.Length * sizeof(float))];
        "DMOE"u8.CopyTo(body);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(6), 1);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(12), tokens);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(16), shape.Hidden);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(20), 1);
        BinaryPrimitives.WriteSingleLittleEndian(body.AsSpan(24), float.NaN);
        BinaryPrimitives.WriteDoubleLittleEndian(body.AsSpan(32), double.NaN);
        MemoryMarshal.AsBytes(rows.AsSpan()).CopyTo(body.AsSpan(HeaderBytes));
        return body;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
