using System.Text.Json;
using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Corruption;

/// <summary>Reloads of checkpoints that are broken.</summary>
internal sealed class CorruptionScenario : IScenario
{
    private const int Clients = 8;

    public string Name => "corruption";

    public string Question =>
        $"""
        {Clients} clients load the service, adaptation frozen, while it is told to reload from broken copies of its checkpoint, and from its own path after the weights there
        were cut where they lie. Each must be refused with 422, the model before must answer with the same bytes, and no request may fail. Then a whole copy is loaded.
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        string source = BuiltServer.TinyMoE(setup.Server), served = BrokenCopies.Whole(source, place.Path("served")), file = place.Path("config.yaml");
        await File.WriteAllTextAsync(file, new ServiceSettings().Set("serving.model", served).ToString(), cancellation);
        using ServiceProcess service = await ServiceProcess.StartAsync(setup, file, cancellation);
        findings.RequireEqual("status of the freeze", (await service.AskAsync(HttpText.Post("/v1/admin/freeze", "{}"), cancellation)).Status, 200);
        var pool = new CallPool(setup.Seed, 32);
        await pool.LearnAsync(service, cancellation);
        byte[][] expected = await AnswersAsync(service, pool, cancellation);

        var tally = new Tally();
        using var end = new CancellationTokenSource();
        Task load = new ClosedLoop(service.Api, pool, setup.Seed, Clients).RunAsync(tally, end.Token, cancellation);
        foreach ((string fault, string path) in BrokenCopies.Make(source, place.Path("broken")))
        {
            await RefusedAsync(findings, fault, service, path, cancellation);
        }

        BrokenCopies.Cut(served, "model.safetensors", 0.5);
        await RefusedAsync(findings, "the served checkpoint itself, cut where it lies", service, null, cancellation);
        byte[][] after = await AnswersAsync(service, pool, cancellation);
        findings.RequireNone("answers with other bytes than before", expected.Zip(after).Count(pair => !pair.First.AsSpan().SequenceEqual(pair.Second)));

        int whole = (await ReloadAsync(service, source, cancellation)).Status;
        findings.RequireEqual("status of a reload from a whole copy", whole, 200);
        after = await AnswersAsync(service, pool, cancellation);
        await end.CancelAsync();
        await load;
        findings.RequireNone("answers of the whole copy with other bytes", expected.Zip(after).Count(pair => !pair.First.AsSpan().SequenceEqual(pair.Second)));
        findings.Note("requests answered meanwhile", $"{tally.Count(Outcome.Answered)}");
        Sample failed = tally.Samples.FirstOrDefault(sample => sample.Outcome != Outcome.Answered);
        findings.RequireNone("requests that failed meanwhile", tally.Samples.Count - tally.Count(Outcome.Answered), $"{failed.Outcome} {failed.Fault}");
        findings.Require("service runs", $"{(service.Runs ? "yes" : "no")}", $"yes", service.Runs);
    }

    private static async Task RefusedAsync(Findings findings, string fault, ServiceProcess service, string? path, CancellationToken cancellation)
    {
        HttpReply reply = await ReloadAsync(service, path, cancellation);
        string detail = System.Text.Encoding.UTF8.GetString(reply.Body);
        findings.Require($"reload: {fault}", $"{reply.Status}{(reply.Status == 422 ? "" : detail)}", $"422", reply.Status == 422);
    }

    private static Task<HttpReply> ReloadAsync(ServiceProcess service, string? path, CancellationToken cancellation) =>
        service.AskAsync(HttpText.Post("/v1/admin/reload", path is null ? "{}" : JsonSerializer.Serialize(new { model = path })), cancellation);

    private static async Task<byte[][]> AnswersAsync(ServiceProcess service, CallPool pool, CancellationToken cancellation)
    {
        var answers = new byte[16][];
        using Connection connection = await Connection.OpenAsync(service.Api, cancellation);
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = (await connection.AskAsync(pool.Forward(i).Request, cancellation)).Body;
        }

        return answers;
    }
}
