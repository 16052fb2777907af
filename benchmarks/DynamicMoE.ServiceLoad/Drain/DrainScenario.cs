using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Drain;

/// <summary>SIGTERM under load.</summary>
internal sealed partial class DrainScenario : IScenario
{
    private const int Clients = 32;

    public string Name => "drain";

    public string Question =>
        $"""
        {Clients} clients load the service, which gets SIGTERM; they go on asking until they are refused. A request that was sent before the signal must get a whole answer
        or a refusal with a status; what the service accepted must arrive in whole; no answer may be cut; then it exits with 0. A request that was sent
        after the signal may also find its idle connection closed, which HTTP/1.1 lets a client ask again.
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        string file = place.Path("config.yaml");
        await File.WriteAllTextAsync(file, new ServiceSettings().Set("serving.queue_capacity", 64).Set("serving.max_sequences", 8).ToString(), cancellation);
        var pool = new CallPool(setup.Seed, 64);
        var random = new Random(setup.Seed);
        var sum = new Sum();
        int rounds = setup.Pick(10, 2);
        for (int round = 0; round < rounds; round++)
        {
            await RoundAsync(setup, file, pool, setup.Seed + round, TimeSpan.FromSeconds(0.5 + random.NextDouble()), sum, cancellation);
        }

        findings.Note($"over {rounds} stops: answered by the service, of these after the signal", $"{sum.Answered}, {sum.AnsweredLate}");
        findings.Require("answered after the signal", $"{sum.AnsweredLate}", $"> 0", sum.AnsweredLate > 0);
        findings.RequireNone("accepted requests that were dropped (accepted by the service, less whole answers at the clients)", sum.Dropped);
        findings.RequireNone("cut answers", sum.Cut, sum.Example);
        findings.RequireNone("sent before the signal, and neither answered nor refused with a status", sum.Lost, sum.Example);
        findings.Note("sent after the signal: refused with a status, idle connection closed, connection refused", $"{sum.Refused}, {sum.Closed}, {sum.NotConnected}");
        findings.RequireNone("wrong answers", sum.Wrong, sum.Example);
        findings.RequireNone("exit codes other than 0", sum.ExitCodes);
        findings.Note("longest stop", $"{sum.Longest.TotalSeconds:0.00} s");
    }

    private static async Task RoundAsync(Setup setup, string file, CallPool pool, int seed, TimeSpan after, Sum sum, CancellationToken cancellation)
    {
        using ServiceProcess service = await ServiceProcess.StartAsync(setup, file, cancellation);
        await pool.LearnAsync(service, cancellation);
        StatsReading before = await StatsReading.TakeAsync(service, cancellation);
        var tally = new Tally();
        using var end = new CancellationTokenSource();
        Task load = new ClosedLoop(service.Api, pool, seed, Clients) { Persists = false }.RunAsync(tally, end.Token, cancellation);
        await Task.Delay(after, cancellation);
        long signal = Stopwatch.GetTimestamp();
        await service.TerminateAsync();
        sum.ExitCodes += await service.WaitForExitAsync(TimeSpan.FromSeconds(60), cancellation) == 0 ? 0 : 1;
        TimeSpan took = Stopwatch.GetElapsedTime(signal);
        sum.Longest = took > sum.Longest ? took : sum.Longest;
        await load;

        Match stopped = service.Log.Select(line => Stopped().Match(line)).FirstOrDefault(match => match.Success)
            ?? throw new InvalidDataException("the service's log does not say what became of its requests");
        long accepted = Number(stopped, 1) - before.Accepted, answered = Number(stopped, 2) - before.Answered;
        sum.Answered += answered;
        sum.Dropped += accepted - tally.Count(Outcome.Answered);
        foreach (Sample sample in tally.Samples)
        {
            sum.Add(sample, late: sample.Sent == 0 || sample.Sent > signal, endedLate: sample.End > signal);
        }
    }

    private static long Number(Match match, int group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Stopped: (\d+) requests accepted, (\d+) answered")]
    private static partial Regex Stopped();

    private sealed class Sum
    {
        public long Answered { get; set; }

        public long AnsweredLate { get; private set; }

        public long Dropped { get; set; }

        public long Cut { get; private set; }

        public long Lost { get; private set; }

        public long Refused { get; private set; }

        public long Closed { get; private set; }

        public long NotConnected { get; private set; }

        public long Wrong { get; private set; }

        public int ExitCodes { get; set; }

        public TimeSpan Longest { get; set; }

        public string? Example { get; private set; }

        public void Add(Sample sample, bool late, bool endedLate)
        {
            AnsweredLate += sample.Outcome == Outcome.Answered && endedLate ? 1 : 0;
            Cut += sample.Outcome == Outcome.Cut ? 1 : 0;
            Lost += sample.Outcome == Outcome.Closed && !late ? 1 : 0;
            Closed += sample.Outcome == Outcome.Closed && late ? 1 : 0;
            Refused += sample.Outcome is Outcome.Unavailable or Outcome.TooMany && late ? 1 : 0;
            NotConnected += sample.Outcome == Outcome.NotConnected ? 1 : 0;
            Wrong += sample.Outcome == Outcome.Wrong ? 1 : 0;
            Example ??= sample.Outcome is Outcome.Cut or Outcome.Wrong || (sample.Outcome == Outcome.Closed && !late) ? sample.Fault : null;
        }
    }
}
