using System.Diagnostics.Metrics;
using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using DynamicMoE.Hosting;
using DynamicMoE.Hosting.Generation;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Devices;
using Microsoft.Extensions.Time.Testing;

namespace DynamicMoE.Server.Tests.Metrics;

[Collection(AloneInProcess.Name)]
public sealed partial class MetricsTests
{
    /// <summary>Names and types of the README's table.</summary>
    private static readonly IReadOnlyList<(string Name, string Type)> Documented = ReadTable();

    [Fact]
    public async Task Series_WhenEverythingHappenedOnce_AreThoseOfTheReadme()
    {
        using var folder = new TemporaryDirectory();
        string key = ApiKeyText.Create();
        await File.WriteAllTextAsync(folder["keys"], ApiKeyText.Line("alice", key));
        TestCertificates.Write(folder["cert"], folder["key"]);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using RunningServer server = await RunningServer.StartAsync(
            new ServerHostOptions { TimeProvider = time },
            "security.api_key_required=true",
            $"security.api_keys_file={folder["keys"]}",
            "security.ssl_enabled=true",
            $"security.ssl_cert_file={folder["cert"]}",
            $"security.ssl_key_file={folder["key"]}");
        using (var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null } }))
        {
            client.BaseAddress = server.Addresses.Api;
            Assert.Equal(HttpStatusCode.OK, await client.StatusAsync(Answers.Get("/v1/hello").WithKey(key)));
            Assert.Equal(HttpStatusCode.Unauthorized, await client.StatusAsync(Answers.Get("/v1/hello")));
        }

        TestCertificates.Write(folder["cert"], folder["key"]);
        time.Advance(PolledFiles.Interval);
        using DynamicRouter budget = RouterWithABudget();
        SimulatedDriver.Reset();
        using CudaDevice device = CudaDevice.Open(new CudaDeviceOptions { DriverPath = SimulatedDriver.File });
        MeasureOfTheLibrary();
        using EngineFigures service = MeasureOfTheService();

        // A connection is counted when it is gone, which the server notices at a moment of its own.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        string text;
        do
        {
            patience.Token.ThrowIfCancellationRequested();
            text = await ScrapeAsync(server);
        }
        while (!text.Contains("kestrel_connection_duration", StringComparison.Ordinal));

        (string, string)[] found = [.. TypeLine().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value))];
        Assert.Equal([], Documented.Except(found));
        // What the runtime and the web server add beside them is theirs to document.
        Assert.Equal([], found.Where(series => series.Item1.StartsWith("dynamicmoe", StringComparison.Ordinal)).Except(Documented));
    }

    [Fact]
    public async Task Histograms_WhenScraped_HaveTheBucketsOfTheInstrument()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 16, NumExperts = 4 });
        using MonitoredRouter watched = router.WithMonitoring(monitor: new MonitoringOptions { Name = "buckets" });
        watched.Route(new float[32 * 16], 32, new RoutingBuffers(32, 4, 4, withLogits: false));
        string text = await ScrapeAsync(server);

        Assert.Contains("dynamicmoe_token_experts_bucket{router=\"buckets\",le=\"6\"} 32\n", text, StringComparison.Ordinal);
        Assert.Contains("dynamicmoe_token_experts_count{router=\"buckets\"} 32\n", text, StringComparison.Ordinal);
        Assert.Contains("dynamicmoe_tokens_total{router=\"buckets\"} 32\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("dynamicmoe_token_experts_bucket{router=\"buckets\",le=\"25\"}", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HistogramsOfTheService_WhenScraped_TellMillisecondsApart()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using EngineFigures service = MeasureOfTheService();
        string text = await ScrapeAsync(server);

        Assert.Matches("""dynamicmoe_service_request_duration_seconds_bucket\{[^}]*le="0\.0025"\}""", text);
        Assert.Matches("""dynamicmoe_service_queue_wait_seconds_bucket\{[^}]*le="0\.0001"\}""", text);
        Assert.DoesNotMatch("""dynamicmoe_service_(request_duration|queue_wait)_seconds_bucket\{[^}]*le="10000"\}""", text);
    }

    // Paths, hosts and keys are the callers' to choose; none of them becomes a label.
    [Fact]
    public async Task Series_WhenCallersInventPathsAndHosts_DoNotGrow()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        await server.Client.StatusAsync(Answers.Get("/nothing"));
        await server.Client.StatusAsync(new HttpRequestMessage(new HttpMethod("WHATEVER"), "/nothing"));
        int before = Requests(await ScrapeAsync(server));
        for (int i = 0; i < 50; i++)
        {
            await server.Client.StatusAsync(Answers.Get($"/invented/{i}").With("Host", $"h{i}.example").WithKey($"k{i}").With("User-Agent", $"a{i}"));
            await server.Client.StatusAsync(new HttpRequestMessage(new HttpMethod($"M{i}"), $"/invented/{i}"));
        }

        string text = await ScrapeAsync(server);
        Assert.Equal(before, Requests(text));
        Assert.DoesNotContain("invented", text, StringComparison.Ordinal);
        Assert.DoesNotContain("/metrics", text, StringComparison.Ordinal);

        // Other tests of the process have servers of their own, whose meters have the same names.
        static int Requests(string text) => text.Split('\n').Count(line =>
            line.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal) && line.Contains("http_response_status_code=\"404\"", StringComparison.Ordinal)
            && !line.Contains("http_route", StringComparison.Ordinal));
    }

    private static Task<string> ScrapeAsync(RunningServer server) => server.Client.GetStringAsync(new Uri(server.Addresses.Metrics, "/metrics"));

    // The library's own instruments, one value each, without what has to happen for it.
    private static void MeasureOfTheLibrary()
    {
        IEnumerable<FieldInfo> fields = typeof(MoEMetrics).Assembly.GetTypes().SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(field => typeof(Instrument).IsAssignableFrom(field.FieldType));
        foreach (FieldInfo field in fields)
        {
            RuntimeHelpers.RunClassConstructor(field.DeclaringType!.TypeHandle);
            switch (field.GetValue(null))
            {
                case Counter<long> counter: counter.Add(1); break;
                case Histogram<double> histogram: histogram.Record(1); break;
                case Histogram<int> histogram: histogram.Record(1); break;
                case Gauge<double> gauge: gauge.Record(1); break;
                case Gauge<long> gauge: gauge.Record(1); break;
                case Gauge<int> gauge: gauge.Record(1); break;
                case ObservableGauge<double> or ObservableGauge<int> or ObservableGauge<long> or ObservableCounter<long>: break; // what they are read from is there
                case var other: Assert.Fail($"{field.Name} is {other}: measure it here"); break;
            }
        }
    }

    private static DynamicRouter RouterWithABudget() =>
        new(new DynamicRouterOptions { InputDim = 4, NumExperts = 4, Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin });

    // Those of the background service, which a fake stands for here.
    private static EngineFigures MeasureOfTheService()
    {
        var figures = new EngineFigures(TimeProvider.System);
        figures.Observe(() => new QueueStats(1, 2, 3, 4, 5, 6, 7, 0, null), new SequenceMemory(1));
        figures.Accepted();
        figures.Waited(TimeSpan.FromMilliseconds(1));
        figures.Ran(3, TimeSpan.FromMilliseconds(1));
        figures.Answered(TimeSpan.FromMilliseconds(2));
        return figures;
    }

    private static (string, string)[] ReadTable()
    {
        using var reader = new StreamReader(typeof(MetricsTests).Assembly.GetManifestResourceStream("Server.README.md")!);
        return [.. TableLine().Matches(reader.ReadToEnd()).Select(match => (match.Groups[1].Value, match.Groups[2].Value))];
    }

    [GeneratedRegex(@"^# TYPE (\S+) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^\| `(\w+)` \| (counter|gauge|histogram) \|", RegexOptions.Multiline)]
    private static partial Regex TableLine();
}
