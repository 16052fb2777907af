using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using DynamicMoE.Server;
using DynamicMoE.ServiceTests.Support;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.ServiceTests.Prometheus;

/// <summary>What a real Prometheus sees of a service that works, against what the README of the server documents: every documented series but those of <see cref="NeedAnEvent"/> and
/// <see cref="NeedADevice"/>, and no undocumented one of ours.</summary>
[Trait("with", "prometheus")]
public sealed partial class ScrapeTests
{
    // What is not seen here, since a series begins with its first value: counters of what did not happen, and the percentile of a latency target, which this service has none of. That
    // their instruments come out under these names and types is what DynamicMoE.Server.Tests looks at, by giving each a value itself; when they get one, tests of their own packages say.
    private static readonly string[] NeedAnEvent =
    [
        "dynamicmoe_expert_faults_total", "dynamicmoe_breaker_moves_total", "dynamicmoe_breaker_fallbacks_total", "dynamicmoe_alerts_total", "dynamicmoe_webhook_alerts_total",
        "dynamicmoe_guardrail_dropped_total", "dynamicmoe_guardrail_floor_changes_total", "dynamicmoe_budget_decisions_total", "dynamicmoe_forward_p95_seconds",
    ];

    // The service has no CUDA device here; DynamicMoE.Server.Tests opens a simulated one.
    private static readonly string[] NeedADevice =
    [
        "dynamicmoe_device_memory_used_bytes", "dynamicmoe_device_memory_reserved_bytes", "dynamicmoe_device_memory_free_bytes", "dynamicmoe_device_calls",
        "dynamicmoe_device_launches_total", "dynamicmoe_device_allocation_retries_total",
    ];

    [NeedsFact("prometheus")]
    public async Task Prometheus_WhenTheServiceWorked_HasEverySeriesOfTheReadme()
    {
        (string Name, string Type)[] documented = Documented();
        Assert.NotEmpty(documented);
        string[] absent = [.. NeedAnEvent, .. NeedADevice];
        Assert.Equal([], absent.Except(documented.Select(series => series.Name)));
        using var folder = new TemporaryDirectory();
        string key = ApiKeyText.Create();
        await File.WriteAllTextAsync(folder["keys"], ApiKeyText.Line("alice", key) + "\n");
        WriteCertificate(folder["cert"], folder["key"]);
        using ServeProcess tool = await ServeProcess.StartAsync("serving.guardrail_rate=1");
        await using Service router = await Service.StartAsync(
            "router.input_dim=8", "router.num_experts=4", "security.api_key_required=true", $"security.api_keys_file={folder["keys"]}",
            "security.ssl_enabled=true", $"security.ssl_cert_file={folder["cert"]}", $"security.ssl_key_file={folder["key"]}");
        using var prometheus = new PrometheusServer([tool.Metrics, router.Addresses.Metrics]);
        await prometheus.ReadyAsync();

        await AskAsync(tool.Api);
        Assert.Equal(HttpStatusCode.Unauthorized, (await router.Client.GetAsync(new Uri("/v1/stats", UriKind.Relative))).StatusCode);
        router.Client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        (await router.Client.PostAsJsonAsync(new Uri("/v1/route", UriKind.Relative), new { hidden = new[] { new float[8] } })).EnsureSuccessStatusCode();
        ReplaceKeys(folder["keys"]);

        string[] missing = [];
        await Patience.UntilAsync(
            async () =>
            {
                string[] names = await prometheus.NamesAsync();
                missing = [.. documented.Where(series => !absent.Contains(series.Name)).Select(Stored).Except(names)];
                return missing.Length == 0;
            },
            "every documented series",
            () => $"missing: {string.Join(", ", missing)}");
        Assert.Equal(["1", "1"], await prometheus.QueryAsync("up{job=\"dynamicmoe\"}"));
        Assert.Equal(["1"], await prometheus.QueryAsync("sum(dynamicmoe_service_requests_total{outcome=\"answered\"}) >= bool 1"));
        // OpenMetrics, which Prometheus asks for, adds to each counter and histogram the time since when it counts.
        string[] undocumented = [.. (await prometheus.NamesAsync()).Where(name => name.StartsWith("dynamicmoe_", StringComparison.Ordinal) && !name.EndsWith("_created", StringComparison.Ordinal))
            .Select(name => Part().Replace(name, "")).Distinct().Except(documented.Select(series => series.Name))];
        Assert.Equal([], undocumented);
    }

    // What a dashboard shows at once must not wait for the first change.
    [Fact]
    public async Task Budget_WhenNothingWasAsked_IsThereFromTheFirstScrape()
    {
        using ServeProcess tool = await ServeProcess.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        string text = await client.GetStringAsync(tool.Metrics);

        Assert.All(
            (string[])["dynamicmoe_budget_effective", "dynamicmoe_budget_missed_layers", "dynamicmoe_budget_unattainable_layers", "dynamicmoe_service_queue_requests"],
            name => Assert.Contains($"\n{name}", text, StringComparison.Ordinal));
    }

    [NeedsFact("promtool")]
    public async Task Rules_WhenChecked_AreValidAndFireAsTheirTestsSay()
    {
        await Programs.RunAsync("promtool", "check", "rules", Repository.Operations("prometheus/dynamicmoe.rules.yml"));
        await Programs.RunAsync("promtool", "check", "config", Repository.Operations("prometheus/prometheus.yml"));
        await Programs.RunAsync("promtool", "test", "rules", Repository.Operations("prometheus/dynamicmoe.rules.test.yml"));
    }

    private static async Task AskAsync(Uri api)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = api, Timeout = TimeSpan.FromMinutes(2) };
        foreach (double quality in new[] { 0, 0.5, 1 })
        {
            (await client.PostAsJsonAsync(new Uri("/v1/completions", UriKind.Relative), new { prompt = "public class", max_tokens = 20, quality })).EnsureSuccessStatusCode();
        }

        (await client.PostAsJsonAsync(new Uri("/v1/completions", UriKind.Relative), new { prompt = "public class", max_tokens = 20 })).EnsureSuccessStatusCode();
        using JsonDocument models = JsonDocument.Parse(await client.GetStringAsync(new Uri("/v1/models", UriKind.Relative)));
        int dim = models.RootElement.GetProperty("data")[0].GetProperty("dynamicmoe").GetProperty("layers")[0].GetProperty("hidden_size").GetInt32();
        (await client.PostAsJsonAsync(new Uri("/v1/forward", UriKind.Relative), new { hidden = new[] { new float[dim] } })).EnsureSuccessStatusCode();
    }

    // Changed, so that the service reads it again; the key stays.
    private static void ReplaceKeys(string path) => File.AppendAllText(path, "# changed\n");

    private static string Stored((string Name, string Type) series) => series.Type == "histogram" ? series.Name + "_bucket" : series.Name;

    private static (string, string)[] Documented() =>
        [.. Row().Matches(File.ReadAllText(Repository.At("src/DynamicMoE.Server/README.md"))).Select(row => (row.Groups[1].Value, row.Groups[2].Value))];

    private static void WriteCertificate(string certificatePath, string keyPath)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        File.WriteAllText(certificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
    }

    [GeneratedRegex(@"^\| `(\w+)` \| (counter|gauge|histogram) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Part();
}
