using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>Requests that nobody should send.</summary>
internal sealed class FuzzScenario : IScenario
{
    private const int Workers = 8, RawOf = 10, RawShare = 4;
    private const double MostGrowth = 1.1, MostShortGrowth = 1.3;
    private const long Spare = 8 << 20, HeapLimit = 128 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    public string Name => "fuzz";

    public string Question =>
        $"""
        Requests made from the seed: {RawShare} of {RawOf} are raw bytes over connections of their own (noise, wrong lines and headers, cut, with lying lengths, pipelined, around the limits of
        headers, chunked with wrong chunks), the others are whole HTTP over kept connections with mutated JSON, binary and safetensors bodies. Memory is compared between the
        first third and the end; descriptors before and after.
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        string file = place.Path("config.yaml");
        await File.WriteAllTextAsync(file, new ServiceSettings().Set("runtime.log_level", "ERROR").ToString(), cancellation);
        using ServiceProcess service = await ServiceProcess.StartAsync(setup, file, cancellation, HeapLimit);
        var pool = new CallPool(setup.Seed, 32);
        await pool.LearnAsync(service, cancellation);
        await WarmAsync(service, pool, setup.Seed, cancellation);
        var verdicts = new Verdicts();
        var seeds = new SeedBodies(setup.Seed);
        await SendAsync(service, seeds, verdicts, setup.Seed, 0, setup.Count / 3, cancellation);
        DescriptorBaseline descriptors = await DescriptorBaseline.TakeAsync(service, cancellation);
        MemoryReading memory = await MemoryReading.TakeAsync(service, cancellation);
        await SendAsync(service, seeds, verdicts, setup.Seed, setup.Count / 3, setup.Count, cancellation);

        findings.Note("requests, seed", $"{setup.Count}, {setup.Seed}");
        findings.Note("statuses", $"{verdicts.Describe()}; {verdicts.Silent} ended without one");
        findings.RequireNone("5xx", verdicts.Failures, verdicts.Example);
        string[] errors = [.. service.Log.Where(line => line.Contains(" fail: ", StringComparison.Ordinal) && !line.Contains("could not be loaded", StringComparison.Ordinal))];
        findings.Note("errors in the log, less reloads of models that do not exist", $"{errors.Length}{(errors.Length == 0 ? "" : $", the first: {errors[0][..Math.Min(250, errors[0].Length)]}")}");
        findings.Note("of the web server to versions of HTTP that do not exist", $"{verdicts.Versions} x 505 (RFC 9110, 15.6.6)");
        findings.RequireNone($"requests without an end within {s_patience.TotalSeconds} s", verdicts.Hung, verdicts.Example);
        findings.Require("reached the layers and the decoder", $"{verdicts.Of(200)} x 200", $"> 0", verdicts.Of(200) > 0);
        await AfterAsync(findings, service, pool, descriptors, cancellation);
        Memory(setup, findings, memory, await MemoryReading.TakeAsync(service, cancellation));
    }

    private static void Memory(Setup setup, Findings findings, MemoryReading early, MemoryReading late)
    {
        double most = setup.Pick(MostGrowth, MostShortGrowth);
        Require("memory outside the managed heap", reading => reading.Native, most, Spare);
        Require("managed heap after the last collection", reading => reading.Heap, MostShortGrowth, 2 * Spare);
        findings.Note("resident memory", $"{early.Resident / 1e6:0} MB, {late.Resident / 1e6:0} MB");
        findings.Note("generations", $"{early.Generations} MB; {late.Generations} MB");

        void Require(string name, Func<MemoryReading, double> of, double factor, long spare) => findings.Require(
            $"{name} at the end / after the first third",
            $"{of(late) / of(early):0.000} ({of(early) / 1e6:0} MB, {of(late) / 1e6:0} MB)",
            $"<= {factor} + {spare >> 20} MiB",
            of(late) <= (factor * of(early)) + spare);
    }

    private static async Task AfterAsync(Findings findings, ServiceProcess service, CallPool pool, DescriptorBaseline descriptors, CancellationToken cancellation)
    {
        StatsReading end = (await StatsReading.WaitAsync(service, r => r.IsIdle, TimeSpan.FromSeconds(20), cancellation)).Reading;
        findings.Require("queue and sequences afterwards", $"{end.Waiting}, {end.Sequences}", $"0, 0", end.IsIdle);
        findings.RequireEqual("accepted = answered + failed + cancelled", end.Accepted, end.Answered + end.Failed + end.Cancelled);
        findings.Note("failed in a batch (422: values that overflow an expert)", $"{end.Failed}");
        var tally = new Tally();
        using (Connection connection = await Connection.OpenAsync(service.Api, cancellation))
        {
            for (int i = 0; i < 10; i++)
            {
                await Asker.AskAsync(connection, pool.Forward(i), tally, cancellation);
            }
        }

        findings.RequireNone("wrong answers among 10 afterwards", 10 - tally.Count(Outcome.Answered), tally.Example(Outcome.Wrong));
        await descriptors.RequireNoneLeftAsync(findings, cancellation);
        findings.Require("service runs", $"{(service.Runs ? "yes" : "no")}", $"yes", service.Runs);
    }

    // Threads, pools and code that the first requests bring along are no leak of later ones.
    private static async Task WarmAsync(ServiceProcess service, CallPool pool, int seed, CancellationToken cancellation)
    {
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await new ClosedLoop(service.Api, pool, seed, 2 * Workers).RunAsync(new Tally(), end.Token, cancellation);
        _ = await MemoryReading.TakeAsync(service, cancellation);
    }

    private static async Task SendAsync(
        ServiceProcess service, SeedBodies seeds, Verdicts verdicts, int seed, int from, int to, CancellationToken cancellation) =>
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(
            async () =>
            {
                var raw = new RawClient(service.Api, verdicts);
                Connection? connection = null;
                for (int index = from + worker; index < to; index += Workers)
                {
                    // Each request has a seed of its own, so that one can be made again alone.
                    var random = new Random(HashCode(seed, index));
                    if (random.Next(RawOf) < RawShare)
                    {
                        (byte[] bytes, int requests) = RawRequests.Make(random, seeds);
                        await raw.SendAsync(bytes, requests, random, cancellation);
                    }
                    else
                    {
                        connection = await AskAsync(connection, service.Api, Mutations.Make(random, seeds), verdicts, cancellation);
                    }
                }

                connection?.Dispose();
            },
            cancellation)));

    private static int HashCode(int seed, int index) => unchecked((seed * 486_187_739) + index);

    private static async Task<Connection?> AskAsync(Connection? connection, Uri address, byte[] request, Verdicts verdicts, CancellationToken cancellation)
    {
        if (connection is not { IsOpen: true })
        {
            connection?.Dispose();
            connection = await Connection.OpenAsync(address, cancellation);
        }

        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(s_patience);
        try
        {
            HttpReply reply = await connection.AskAsync(request, bound.Token);
            verdicts.Answered(reply.Status, () => RawClient.Show(request));
            return connection;
        }
        catch (LostAnswerException)
        {
            verdicts.AddSilent();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            verdicts.AddHung(() => RawClient.Show(request));
        }

        connection.Dispose();
        return null;
    }
}
