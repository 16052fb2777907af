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

    // Rounds that do not count: the runtime compiles what is called often anew.
    private const int WarmRounds = 3;

    public static int Run(string[] args)
    {
        Option<string> latency = Shape("--latency-shape", "Layer size of the latency", "S"), shape = Shape("--shape", "Layer size of the processor time", "M");
        var format = new Option<string>("--format") { Description = "Format of the weights", DefaultValueFactory = _ => "bf16" };
        format.AcceptOnlyFromAmong([.. WeightFormats.Names]);
        var calls = new Option<int>("--calls") { Description = "Calls of each kind in a round", DefaultValueFactory = _ => 1000 };
        var rounds = new Option<int>("--rounds") { Description = "Times that everything is measured", DefaultValueFactory = _ => 5 };
        var serve = new Option<bool>("--serve") { Description = "The serving process itself", Hidden = true };
        var root = new RootCommand("Cost of hosting") { latency, shape, format, calls, rounds, serve };
        root.SetAction(async (parsed, _) =>
        {
            LayerShape chosen = LayerShape.Named(parsed.GetValue(shape)!);
            string name = parsed.GetValue(format)!;
            if (parsed.GetValue(serve))
            {
                await HostedLayer.ServeAsync(chosen, LayerFormats.Named(name)).ConfigureAwait(false);
                return 0;
            }

            bool cheap = await LatencyAsync(LayerShape.Named(parsed.GetValue(latency)!), name, parsed.GetValue(calls), parsed.GetValue(rounds)).ConfigureAwait(false);
            return await CpuAsync(chosen, name, parsed.GetValue(calls) / 10, parsed.GetValue(rounds)).ConfigureAwait(false) && cheap ? 0 : 1;
        });
        return root.Parse(args).Invoke();
    }

    private static Option<string> Shape(string name, string description, string preset)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => preset };
        option.AcceptOnlyFromAmong([.. LayerShape.All.Select(shape => shape.Name)]);
        return option;
    }

    private static async Task<bool> LatencyAsync(LayerShape shape, string format, int calls, int rounds)
    {
        using HostedProcess server = HostedProcess.Start(shape.Name, format);
        using HttpClient client = Client(server);
        using MoELayer layer = HostedLayer.Create(shape, LayerFormats.Named(format));
        Console.WriteLine($"{shape.Name} {format}, T=1; {RuntimeInfo.Query().CpuName}; {rounds} rounds of {calls} calls of each kind, in turns; medians");
        Console.WriteLine("service us   bare us  in process us  overhead us");
        var overheads = new List<double>();
        for (int round = -WarmRounds; round < rounds; round++)
        {
            (double service, double bare, double call) = await LatencyRoundAsync(client, layer, shape, calls).ConfigureAwait(false);
            if (round >= 0)
            {
                overheads.Add(service - bare - call);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{service,10:F1} {bare,9:F1} {call,14:F1} {overheads[^1],12:F1}"));
            }
        }

        double overhead = Median(overheads);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"overhead {overhead:F1} us, at most {MostMicroseconds}: {(overhead <= MostMicroseconds ? "met" : "missed")}\n"));
        return overhead <= MostMicroseconds;
    }

    private static async Task<bool> CpuAsync(LayerShape shape, string format, int calls, int rounds)
    {
        using HostedProcess server = HostedProcess.Start(shape.Name, format);
        using HttpClient client = Client(server);
        using MoELayer layer = HostedLayer.Create(shape, LayerFormats.Named(format));
        Console.WriteLine($"{shape.Name} {format}, T={BatchTokens}; {rounds} rounds of {calls} calls of each kind");
        Console.WriteLine("in process CPU s  server CPU s  share");
        var shares = new List<double>();
        for (int round = -1; round < rounds; round++)
        {
            (double own, double served) = await CpuRoundAsync(client, server, layer, shape, calls).ConfigureAwait(false);
            if (round >= 0)
            {
                shares.Add(own / served);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{own,16:F2} {served,13:F2} {shares[^1],6:F3}"));
            }
        }

        double share = Median(shares);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"share {share:F3}, at least {LeastShare:F2}: {(share >= LeastShare ? "met" : "missed")}"));
        return share >= LeastShare;
    }

    private static HttpClient Client(HostedProcess server) =>
        new(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1 }) { BaseAddress = server.Address };

    private static async Task<(double Service, double Bare, double Call)> LatencyRoundAsync(HttpClient client, MoELayer layer, LayerShape shape, int calls)
    {
        var output = new float[shape.Hidden];
        double[][] times = [new double[calls], new double[calls], new double[calls]];
        for (int i = 0; i < calls; i++)
        {
            float[] hidden = Rows(shape, 1, i);
            byte[] body = Body(shape, 1, hidden);
            for (int turn = 0; turn < times.Length; turn++)
            {
                int kind = (turn + i) % times.Length;
                long begin = Stopwatch.GetTimestamp();
                if (kind == 2)
                {
                    _ = layer.Forward(hidden, 1, output);
                }
                else
                {
                    await PostAsync(client, kind == 0 ? "/v1/forward" : "/bare", body).ConfigureAwait(false);
                }

                times[kind][i] = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            }
        }

        return (Median(times[0]), Median(times[1]), Median(times[2]));
    }

    private static async Task<(double Own, double Served)> CpuRoundAsync(HttpClient client, HostedProcess server, MoELayer layer, LayerShape shape, int calls)
    {
        float[] hidden = Rows(shape, BatchTokens, 0);
        byte[] body = Body(shape, BatchTokens, hidden);
        var output = new float[hidden.Length];
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
