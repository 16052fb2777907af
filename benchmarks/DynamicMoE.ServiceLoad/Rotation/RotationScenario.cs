using System.Diagnostics;
using System.Globalization;
using System.Text;
using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Load;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Rotation;

/// <summary>Settings and certificates that change under load.</summary>
internal sealed class RotationScenario : IScenario
{
    private const int Clients = 8;
    private const string Threshold = "monitoring.alert_thresholds.avg_latency_ms";
    private static readonly TimeSpan s_notice = TimeSpan.FromSeconds(30);

    public string Name => "rotation";

    public string Question =>
        $"""
        {Clients} clients load the service over TLS. Meanwhile its file of settings changes, noticed by itself and by POST /v1/admin/config/reload; a broken file is
        refused; and the files of its certificate are replaced. No request may fail; handshakes that begin after the change get the new certificate within the interval at
        which files are looked at (5 s).
        """.ReplaceLineEndings(" ");

    public async Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation)
    {
        using var place = new Workplace();
        var certificate = new CertificateFiles(place.Path("cert.pem"), place.Path("key.pem"));
        string first = certificate.Renew(), file = place.Path("config.yaml");
        ServiceSettings settings = new ServiceSettings()
            .Set("security.ssl_enabled", "true").Set("security.ssl_cert_file", certificate.Certificate).Set("security.ssl_key_file", certificate.Key).Set(Threshold, 50);
        await File.WriteAllTextAsync(file, settings.ToString(), cancellation);
        using ServiceProcess service = await ServiceProcess.StartAsync(setup, file, cancellation);
        var pool = new CallPool(setup.Seed, 64);
        await pool.LearnAsync(service, cancellation);
        findings.Require("certificate at the start", $"{(await SeenAsync(service, cancellation) == first ? "the first" : "another")}", $"the first", await SeenAsync(service, cancellation) == first);

        var tally = new Tally();
        var handshakes = new Tally();
        using var end = new CancellationTokenSource();
        Task kept = new ClosedLoop(service.Api, pool, setup.Seed, Clients).RunAsync(tally, end.Token, cancellation);
        Task fresh = HandshakesAsync(service, pool, handshakes, end.Token, cancellation);
        for (int round = 0; round < setup.Pick(3, 1); round++)
        {
            await SettingsAsync(findings, service, settings, file, 100 + round, cancellation);
            await CertificateAsync(findings, service, certificate, cancellation);
        }

        await end.CancelAsync();
        await Task.WhenAll(kept, fresh);
        Report(findings, "requests over kept connections", tally);
        Report(findings, "requests over a new handshake each", handshakes);
        findings.Require("service runs", $"{(service.Runs ? "yes" : "no")}", $"yes", service.Runs);
    }

    private static void Report(Findings findings, string name, Tally tally)
    {
        findings.Note($"{name}: answered", $"{tally.Count(Outcome.Answered)}");
        Sample failed = tally.Samples.FirstOrDefault(sample => sample.Outcome != Outcome.Answered);
        findings.RequireNone($"{name}: failed", tally.Samples.Count - tally.Count(Outcome.Answered), $"{failed.Outcome} {failed.Fault}");
    }

    private static async Task SettingsAsync(Findings findings, ServiceProcess service, ServiceSettings settings, string file, int value, CancellationToken cancellation)
    {
        // By the interface.
        await File.WriteAllTextAsync(file, settings.Set(Threshold, value).ToString(), cancellation);
        HttpReply reply = await service.AskAsync(HttpText.Post("/v1/admin/config/reload", "{}"), cancellation);
        string answer = Encoding.UTF8.GetString(reply.Body);
        bool applied = reply.Status == 200 && answer.Contains($"\"to\":\"{value.ToString(CultureInfo.InvariantCulture)}\"", StringComparison.Ordinal);
        findings.Require("changed settings after a reload by request", $"{reply.Status} {(applied ? "applied" : answer)}", $"200 applied", applied);

        // What is wrong changes nothing.
        await File.WriteAllTextAsync(file, settings.Set(Threshold, "-1").ToString(), cancellation);
        reply = await service.AskAsync(HttpText.Post("/v1/admin/config/reload", "{}"), cancellation);
        findings.RequireEqual("status of a reload of a broken file", reply.Status, 422);

        // By the file alone.
        int noticed = value + 500;
        await File.WriteAllTextAsync(file, settings.Set(Threshold, noticed).ToString(), cancellation);
        string said = string.Create(CultureInfo.InvariantCulture, $"{Threshold} is now {noticed}");
        TimeSpan? took = await WithinAsync(() => Task.FromResult(service.Log.Any(line => line.Contains(said, StringComparison.Ordinal))), cancellation);
        findings.Require("changed file is noticed", $"{(took is { } t ? $"after {t.TotalSeconds:0.0} s" : "never")}", $"within {s_notice.TotalSeconds} s", took is not null);
    }

    private static async Task CertificateAsync(Findings findings, ServiceProcess service, CertificateFiles certificate, CancellationToken cancellation)
    {
        string next = certificate.Renew();
        TimeSpan? took = await WithinAsync(async () => await SeenAsync(service, cancellation) == next, cancellation);
        findings.Require("new certificate in a handshake", $"{(took is { } t ? $"after {t.TotalSeconds:0.0} s" : "never")}", $"within {s_notice.TotalSeconds} s", took is not null);
    }

    private static async Task<TimeSpan?> WithinAsync(Func<Task<bool>> holds, CancellationToken cancellation)
    {
        long begin = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(begin) > s_notice)
            {
                return null;
            }

            await Task.Delay(50, cancellation);
        }

        return Stopwatch.GetElapsedTime(begin);
    }

    private static async Task<string?> SeenAsync(ServiceProcess service, CancellationToken cancellation)
    {
        using Connection connection = await Connection.OpenAsync(service.Api, cancellation);
        return connection.Certificate;
    }

    private static async Task HandshakesAsync(ServiceProcess service, CallPool pool, Tally tally, CancellationToken end, CancellationToken cancellation)
    {
        for (int i = 0; !end.IsCancellationRequested; i++)
        {
            if (await Asker.ConnectAsync(service.Api, tally, cancellation) is { } connection)
            {
                await Asker.AskAsync(connection, pool.Forward(i % 64), tally, cancellation);
                connection.Dispose();
            }

            await Task.Delay(20, cancellation);
        }
    }
}
