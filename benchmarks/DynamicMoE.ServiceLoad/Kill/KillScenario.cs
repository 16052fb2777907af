using System.Text.Json;
using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Kill;

/// <summary>kill -9 under load.</summary>
internal sealed class KillScenario : IScenario
{
    private const int Clients = 32;
    private static readonly TimeSpan s_ready = TimeSpan.FromSeconds(5);

    public string Name => "kill";

    public string Question =>
        $"""
        {Clients} clients load the service, which is killed by SIGKILL at a random moment and started again on the same port. Thresholds are kept in a folder: one
        file, written by a stop before. Each client must see its connection end, never a part of an answer that looks whole, and nothing behind an answer.
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        string file = place.Path("config.yaml"), state = place.Path("state");
        ServiceSettings settings = new ServiceSettings().Set("serving.state_directory", state).Set("serving.queue_capacity", 64);
        await File.WriteAllTextAsync(file, settings.ToString(), cancellation);
        var pool = new CallPool(setup.Seed, 64);
        using (ServiceProcess first = await ServiceProcess.StartAsync(setup, file, cancellation))
        {
            // The same port from here on, as a service has that is started again.
            await File.WriteAllTextAsync(file, settings.Set("server.port", first.Api.Port).ToString(), cancellation);
            await pool.LearnAsync(first, cancellation);
            await first.TerminateAsync();
            findings.RequireEqual("exit code of the stop before", await first.WaitForExitAsync(TimeSpan.FromSeconds(40), cancellation), 0);
        }

        var random = new Random(setup.Seed);
        var tally = new Tally();
        TimeSpan slowest = TimeSpan.Zero;
        int rounds = setup.Pick(5, 2), broken = 0, notRestored = 0, wrong = 0;
        string? fault = null;
        for (int round = 0; round < rounds; round++)
        {
            using ServiceProcess service = await ServiceProcess.StartAsync(setup, file, cancellation);
            slowest = service.ReadyAfter > slowest ? service.ReadyAfter : slowest;
            notRestored += service.Log.Any(line => line.Contains("are in force", StringComparison.Ordinal)) ? 0 : 1;
            wrong += await AnswersAsync(service, pool, round, cancellation) ? 0 : 1;
            await LoadAndKillAsync(service, pool, setup.Seed + round, TimeSpan.FromSeconds(0.5 + (2 * random.NextDouble())), tally, cancellation);
            broken += Broken(state, ref fault);
        }

        using ServiceProcess last = await ServiceProcess.StartAsync(setup, file, cancellation);
        slowest = last.ReadyAfter > slowest ? last.ReadyAfter : slowest;
        Report(findings, tally, rounds);
        FormattableString start = $"{slowest.TotalSeconds:0.00} s";
        const string Start = "slowest start after a kill, from process to ready";
        if (setup.Short)
        {
            // A test run shares its machine; how long a start takes is judged by the whole one.
            findings.Note(Start, start);
        }
        else
        {
            findings.Require(Start, start, $"<= {s_ready.TotalSeconds} s", slowest <= s_ready);
        }

        findings.RequireNone("state files that cannot be read", broken, fault);
        findings.RequireNone("starts that did not take the state over", notRestored);
        findings.RequireNone("starts without a right first answer", wrong);
    }

    private static void Report(Findings findings, Tally tally, int rounds)
    {
        findings.Note($"answered over {rounds} rounds", $"{tally.Count(Outcome.Answered)}");
        long seen = tally.Count(Outcome.Closed) + tally.Count(Outcome.Cut);
        findings.Note("under way when it was killed: no byte of an answer, a part of one", $"{tally.Count(Outcome.Closed)}, {tally.Count(Outcome.Cut)}");
        findings.Require("clients that saw their connection end", $"{seen}", $">= {rounds * Clients / 2}", seen >= rounds * Clients / 2);
        findings.RequireNone("wrong answers", tally.Count(Outcome.Wrong), tally.Example(Outcome.Wrong));
        findings.RequireNone("answers twice", tally.Surplus + tally.RepeatedIds);
    }

    private static async Task LoadAndKillAsync(ServiceProcess service, CallPool pool, int seed, TimeSpan after, Tally tally, CancellationToken cancellation)
    {
        using var end = new CancellationTokenSource();
        Task load = new ClosedLoop(service.Api, pool, seed, Clients) { Persists = false }.RunAsync(tally, end.Token, cancellation);
        await Task.Delay(after, cancellation);
        service.Kill();
        _ = await service.WaitForExitAsync(TimeSpan.FromSeconds(10), cancellation);
        await load;
    }

    private static async Task<bool> AnswersAsync(ServiceProcess service, CallPool pool, int index, CancellationToken cancellation)
    {
        var tally = new Tally();
        using Connection connection = await Connection.OpenAsync(service.Api, cancellation);
        return await Asker.AskAsync(connection, pool.Forward(index), tally, cancellation) == Outcome.Answered;
    }

    private static int Broken(string folder, ref string? fault)
    {
        string[] files = Directory.GetFiles(folder, "thresholds-*.json");
        if (files.Length == 0)
        {
            fault = "no file";
            return 1;
        }

        int broken = 0;
        foreach (string file in files)
        {
            try
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            }
            catch (JsonException error)
            {
                (broken, fault) = (broken + 1, error.Message);
            }
        }

        return broken;
    }
}
