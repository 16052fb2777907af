using System.Diagnostics;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Overload;

/// <summary>Three times what the service can do.</summary>
internal sealed class OverloadScenario : IScenario
{
    private const int Queue = 128, Sequences = 16, Clients = 48, Connections = 512;
    private const double Factor = 3;

    public string Name => "overload";

    public string Question =>
        $"""
        Capacity is what {Clients} clients get that ask again as soon as they are answered (70 % binary forwards of 1 to 16 tokens, 15 % completions, 15 % streamed
        ones, 8 to 24 tokens each). Then requests arrive at {Factor} times that rate, whatever becomes of those before. The queue holds {Queue} requests, {Sequences} sequences
        run at once. The deadline policy: an accepted request of a kind has at most a whole queue and the running ones of its kind in front of it, so it is answered
        within ({Queue} + {Sequences}) / rate at which its kind was answered in the slowest quarter of the time, plus one p99 of the service at capacity.
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        await File.WriteAllTextAsync(
            place.Path("config.yaml"),
            new ServiceSettings().Set("serving.queue_capacity", Queue).Set("serving.max_sequences", Sequences).ToString(),
            cancellation);
        using ServiceProcess service = await ServiceProcess.StartAsync(setup, place.Path("config.yaml"), cancellation);
        var pool = new CallPool(setup.Seed, 256);
        await pool.LearnAsync(service, cancellation);

        var warm = new Tally();
        await LoopAsync(service, pool, setup, warm, setup.Pick(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1)), cancellation);
        var calm = new Tally();
        TimeSpan measured = setup.Pick(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2));
        await LoopAsync(service, pool, setup, calm, measured, cancellation);
        double capacity = calm.Count(Outcome.Answered) / measured.TotalSeconds;
        findings.Note("capacity", $"{capacity:0} requests/s");
        findings.RequireNone("requests at capacity without their right answer", calm.Samples.Count - calm.Count(Outcome.Answered), calm.Example(Outcome.Wrong));

        await OverloadAsync(setup, findings, service, pool, new Capacity(capacity, Percentiles(calm)), cancellation);
        await RecoverAsync(findings, service, pool, cancellation);
    }

    private static Dictionary<CallKind, double> Percentiles(Tally tally) =>
        Enum.GetValues<CallKind>().ToDictionary(kind => kind, kind => Tally.Percentile(Answered(tally, kind).Select(s => s.Milliseconds), 0.99));

    private static IEnumerable<Sample> Answered(Tally tally, CallKind kind) => tally.Samples.Where(s => s.Outcome == Outcome.Answered && s.Kind == kind);

    private static async Task LoopAsync(ServiceProcess service, CallPool pool, Setup setup, Tally tally, TimeSpan time, CancellationToken cancellation)
    {
        using var end = new CancellationTokenSource(time);
        await new ClosedLoop(service.Api, pool, setup.Seed, Clients).RunAsync(tally, end.Token, cancellation);
    }

    private static async Task OverloadAsync(
        Setup setup, Findings findings, ServiceProcess service, CallPool pool, Capacity capacity, CancellationToken cancellation)
    {
        TimeSpan time = setup.Pick(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(4)), early = time / 3;
        StatsReading before = await StatsReading.TakeAsync(service, cancellation);
        var load = new OpenLoop(service.Api, pool, setup.Seed + 1, Factor * capacity.PerSecond, Connections);
        var tally = new Tally();
        long begin = Stopwatch.GetTimestamp();
        Task run = load.RunAsync(tally, time, cancellation);
        await Task.Delay(early, cancellation);
        long residentEarly = service.ResidentBytes();
        await Task.Delay(time - early - TimeSpan.FromMilliseconds(50), cancellation);
        long residentLate = service.ResidentBytes();
        await run;

        findings.Require("service runs", $"{(service.Runs ? "yes" : "no")}", $"yes", service.Runs);
        findings.Note("offered", $"{load.Offered / time.TotalSeconds:0} requests/s, {load.Offered / time.TotalSeconds / capacity.PerSecond:0.00} x capacity; generator behind by {load.Behind:0} ms at most");
        findings.Require("arrivals without a connection", $"{load.NotSent} of {load.Offered}", $"<= 1 %", load.NotSent <= 0.01 * load.Offered);
        Report(findings, tally);
        double most = setup.Pick(1.1, 1.25);
        findings.Require(
            $"resident memory at the end / at {early.TotalSeconds:0} s",
            $"{(double)residentLate / residentEarly:0.000} ({residentEarly / 1e6:0} MB, {residentLate / 1e6:0} MB)",
            $"<= {most}",
            residentLate <= most * residentEarly);
        Deadlines(findings, tally, capacity, begin, time);
        Ceilings(findings, tally, begin, time);
        await BalanceAsync(findings, service, before, tally, cancellation);
    }

    private static void Report(Findings findings, Tally tally)
    {
        findings.Note(
            "answered, 429 with Retry-After, 503",
            $"{tally.Count(Outcome.Answered)}, {tally.Count(Outcome.TooMany)}, {tally.Count(Outcome.Unavailable)}");
        findings.Require("refused with 429 and Retry-After", $"{tally.Count(Outcome.TooMany)}", $"> 0", tally.Count(Outcome.TooMany) > 0);
        findings.RequireNone("other answers, or another request's", tally.Count(Outcome.Wrong), tally.Example(Outcome.Wrong));
        findings.RequireNone("503", tally.Count(Outcome.Unavailable));
        findings.RequireNone("requests without an answer", tally.Count(Outcome.Closed) + tally.Count(Outcome.NotConnected), tally.Example(Outcome.Closed));
        findings.RequireNone("cut answers", tally.Count(Outcome.Cut), tally.Example(Outcome.Cut));
        findings.RequireNone("answers that nobody asked for", tally.Surplus + tally.RepeatedIds);
    }

    private static void Deadlines(Findings findings, Tally tally, Capacity capacity, long begin, TimeSpan time)
    {
        foreach (CallKind kind in Enum.GetValues<CallKind>())
        {
            // Completions and streams wait for the same places.
            IEnumerable<Sample> ofGroup = kind == CallKind.Forward ? Answered(tally, kind) : Answered(tally, CallKind.Completion).Concat(Answered(tally, CallKind.Stream));
            double deadline = (1000 * (Queue + Sequences) / SlowestRate(ofGroup, begin, time)) + capacity.P99[kind];
            Sample[] answered = [.. Answered(tally, kind)];
            double p50 = Tally.Percentile(answered.Select(s => s.Milliseconds), 0.5), p99 = Tally.Percentile(answered.Select(s => s.Milliseconds), 0.99);
            findings.Require($"{kind}: p99 of accepted", $"{p99:0} ms (p50 {p50:0} ms, at capacity p99 {capacity.P99[kind]:0} ms)", $"<= {deadline:0} ms", p99 <= deadline);
        }

        double first = Tally.Percentile(Answered(tally, CallKind.Stream).Select(s => s.FirstMilliseconds), 0.5);
        findings.Note("Stream: p50 to the first token", $"{first:0} ms");
    }

    private static double SlowestRate(IEnumerable<Sample> samples, long begin, TimeSpan time)
    {
        var quarters = new int[4];
        foreach (double share in samples.Select(sample => Stopwatch.GetElapsedTime(begin, sample.End) / time).Where(share => share < 1))
        {
            quarters[(int)(4 * share)]++;
        }

        return quarters.Min() / (time.TotalSeconds / 4);
    }

    private static void Ceilings(Findings findings, Tally tally, long begin, TimeSpan time)
    {
        Sample[] steady = [.. tally.Samples.Where(s => s.Outcome == Outcome.Answered && Stopwatch.GetElapsedTime(begin, s.Begin) > time / 10)];
        double share = (double)steady.Count(s => s.Ceiling) / steady.Length;
        findings.Require("answers that name the ceiling of experts", $"{100 * share:0.0} % after the first tenth", $">= 90 %", share >= 0.9);
    }

    private static async Task BalanceAsync(Findings findings, ServiceProcess service, StatsReading before, Tally tally, CancellationToken cancellation)
    {
        StatsReading end = (await StatsReading.WaitAsync(service, r => r.IsIdle, TimeSpan.FromSeconds(10), cancellation)).Reading;
        StatsReading did = end.Since(before);
        findings.Require("queue and sequences afterwards", $"{end.Waiting}, {end.Sequences}", $"0, 0", end.IsIdle);
        findings.RequireEqual("accepted = answered + failed + cancelled", did.Accepted, did.Answered + did.Failed + did.Cancelled);
        findings.RequireEqual("answered by the service = received by clients", did.Answered, tally.Count(Outcome.Answered));
        findings.RequireEqual("rejected by the service = 429 received", did.Rejected, tally.Count(Outcome.TooMany));
        findings.RequireNone("failed", did.Failed);
    }

    // Once the queue is empty the budget is what it was.
    private static async Task RecoverAsync(Findings findings, ServiceProcess service, CallPool pool, CancellationToken cancellation)
    {
        var tally = new Tally();
        using Http.Connection connection = await Http.Connection.OpenAsync(service.Api, cancellation);
        for (int i = 0; i < 10; i++)
        {
            await Asker.AskAsync(connection, pool.Forward(i), tally, cancellation);
        }

        findings.RequireEqual("answers afterwards, without a ceiling", tally.Samples.Count(s => s is { Outcome: Outcome.Answered, Ceiling: false }), 10);
    }

    private sealed record Capacity(double PerSecond, Dictionary<CallKind, double> P99);
}
