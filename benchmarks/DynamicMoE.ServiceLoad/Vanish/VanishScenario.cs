using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Vanish;

/// <summary>Clients that vanish.</summary>
internal sealed class VanishScenario : IScenario
{
    private const int Sequences = 4, Queue = 16;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    public string Name => "vanish";

    public string Question =>
        $"""
        {Sequences} sequences run at once. Streams of 400 tokens fill all places and as many more wait; then every client vanishes, by a reset or by closing. The service must
        cancel every one within {s_patience.TotalSeconds} s, free the places for others, and keep no descriptor.
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        string file = place.Path("config.yaml");
        await File.WriteAllTextAsync(
            file, new ServiceSettings().Set("serving.max_sequences", Sequences).Set("serving.queue_capacity", Queue).ToString(), cancellation);
        using ServiceProcess service = await ServiceProcess.StartAsync(setup, file, cancellation);
        var pool = new CallPool(setup.Seed, 16);
        await pool.LearnAsync(service, cancellation);

        // What the first round brings along is no leak of later ones.
        _ = await RoundAsync(service, setup.Seed - 1, byReset: true, cancellation);
        DescriptorBaseline descriptors = await DescriptorBaseline.TakeAsync(service, cancellation);
        int rounds = setup.Pick(25, 3);
        StatsReading before = await StatsReading.TakeAsync(service, cancellation);
        TimeSpan slowest = TimeSpan.Zero;
        int stuck = 0;
        for (int round = 0; round < rounds; round++)
        {
            (StatsReading reading, TimeSpan took) = await RoundAsync(service, setup.Seed + round, byReset: round % 2 == 0, cancellation);
            slowest = took > slowest ? took : slowest;
            stuck += reading.IsIdle ? 0 : 1;
        }

        StatsReading did = (await StatsReading.TakeAsync(service, cancellation)).Since(before);
        long vanished = did.Accepted - did.Answered;
        findings.Note($"over {rounds} rounds: accepted, answered before their client vanished", $"{did.Accepted}, {did.Answered}");
        findings.Require("sequences cut short", $"{vanished}", $"> 0", vanished > 0);
        findings.RequireEqual("cancelled by the service", did.Cancelled, vanished);
        findings.RequireNone("rounds in which places stayed taken", stuck);
        findings.Require("slowest round until all places were free", $"{slowest.TotalMilliseconds:0} ms", $"<= {s_patience.TotalSeconds} s", slowest <= s_patience);
        await AnswersAsync(findings, service, pool, setup.Seed, cancellation);
        await descriptors.RequireNoneLeftAsync(findings, cancellation);
    }

    private static async Task<(StatsReading Reading, TimeSpan Took)> RoundAsync(ServiceProcess service, int seed, bool byReset, CancellationToken cancellation)
    {
        var random = new Random(seed);
        List<Connection> connections = [];
        for (int i = 0; i < 2 * Sequences; i++)
        {
            Connection connection = await Connection.OpenAsync(service.Api, cancellation);
            connections.Add(connection);
            await connection.SendAsync(CompletionCall.Random(random, 16, 400, stream: true).Request, cancellation);
        }

        // Those that run have begun their answers; the others wait, and so does a body of which the half is missing.
        using Connection half = await Connection.OpenAsync(service.Api, cancellation);
        ReadOnlyMemory<byte> body = CompletionCall.Random(random, 16, 400, stream: false).Request;
        await half.SendAsync(body[..(body.Length / 2)], cancellation);
        _ = await connections[0].ReadSomeAsync(cancellation);
        foreach (Connection connection in connections.Append(half))
        {
            if (byReset)
            {
                connection.Reset();
            }
            else
            {
                connection.Dispose();
            }
        }

        return await StatsReading.WaitAsync(service, reading => reading.IsIdle, 2 * s_patience, cancellation);
    }

    private static async Task AnswersAsync(Findings findings, ServiceProcess service, CallPool pool, int seed, CancellationToken cancellation)
    {
        var tally = new Tally();
        await Task.WhenAll(Enumerable.Range(0, 2 * Sequences).Select(async i =>
        {
            Call call = i % 2 == 0 ? pool.Forward(i) : CompletionCall.Random(new Random(seed + i), 16, 32, stream: true);
            using Connection connection = await Connection.OpenAsync(service.Api, cancellation);
            await Asker.AskAsync(connection, call, tally, cancellation);
        }));
        findings.RequireEqual("answers to others afterwards", tally.Count(Outcome.Answered), 2 * Sequences);
    }
}
