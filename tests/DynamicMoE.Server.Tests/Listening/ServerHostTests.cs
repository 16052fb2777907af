using System.Net;
using DynamicMoE.Hosting;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server.Tests.Listening;

public sealed class ServerHostTests
{
    [Fact]
    public async Task Ports_WhenAsked_ServeTheirOwnPathsOnly()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        ServerAddresses at = server.Addresses;

        Assert.Equal(3, new[] { at.Api.Port, at.Health.Port, at.Metrics.Port }.Distinct().Count());
        foreach ((Uri place, string path, HttpStatusCode expected) in new[]
        {
            (at.Api, "/v1/hello", HttpStatusCode.OK), (at.Api, "/healthz/live", HttpStatusCode.NotFound), (at.Api, "/metrics", HttpStatusCode.NotFound),
            (at.Health, "/healthz/live", HttpStatusCode.OK), (at.Health, "/v1/hello", HttpStatusCode.NotFound), (at.Health, "/metrics", HttpStatusCode.NotFound),
            (at.Metrics, "/metrics", HttpStatusCode.OK), (at.Metrics, "/v1/hello", HttpStatusCode.NotFound), (at.Metrics, "/healthz/live", HttpStatusCode.NotFound),
        })
        {
            Assert.Equal(expected, await server.Client.StatusAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(place, path))));
            // The name that a caller gives decides nothing.
            foreach (Uri other in (Uri[])[at.Api, at.Health, at.Metrics])
                Assert.Equal(expected, await server.Client.StatusAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(place, path)).With("Host", other.Authority)));
        }
    }

    [Fact]
    public void Create_WhenTheApiWouldBePublicWithoutKeyAndTls_NamesTheSettings()
    {
        SettingsException error = Assert.Throws<SettingsException>(() => ServerHost.Create(RunningServer.Configuration("server.bind=0.0.0.0")));

        Assert.Contains("server.bind (0.0.0.0, command line) is not loopback", error.Message, StringComparison.Ordinal);
        Assert.All(["server.insecure", "security.api_key_required", "security.ssl_enabled"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Create_WhenPublicAndInsecureIsSaid_StartsAndWarns()
    {
        await using RunningServer server = await RunningServer.StartAsync("server.bind=0.0.0.0", "server.insecure=true");

        Assert.Contains(server.Log.Messages, message => message.StartsWith("The API is bound to 0.0.0.0 without a key", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Create_WhenKeyAndCertificateFilesAreOfNoUse_NamesThem()
    {
        using var folder = new TemporaryDirectory();
        await File.WriteAllTextAsync(folder["keys"], "alice secret\n");
        TestCertificates.Write(folder["cert"], folder["key"]);
        (string _, string otherKey, string _) = TestCertificates.Create();
        await File.WriteAllTextAsync(folder["key2"], otherKey);

        Assert.Equal(
            $"security.api_keys_file '{folder["keys"]}' cannot be used: line 1 has no sha256:HEX behind the name",
            Refused($"security.api_keys_file={folder["keys"]}"));
        Assert.Contains("security.api_keys_file", Refused($"security.api_keys_file={folder["none"]}"), StringComparison.Ordinal);
        foreach (string key in (string[])["none", "cert", "key2"])
        {
            Assert.StartsWith(
                $"security.ssl_cert_file '{folder["cert"]}' with security.ssl_key_file '{folder[key]}' cannot be used: ",
                Refused("security.ssl_enabled=true", $"security.ssl_cert_file={folder["cert"]}", $"security.ssl_key_file={folder[key]}"),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Stop_WhenARequestIsBeingServed_WaitsForItsAnswer()
    {
        var entered = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        await using RunningServer server = await RunningServer.StartAsync(new ServerHostOptions
        {
            MapEndpoints = routes => routes.MapGet("/v1/slow", async (HttpContext context) =>
            {
                entered.SetResult();
                await goOn.Task;
                await context.Response.WriteAsync("done");
            }),
        });
        Task<string> answer = server.Client.GetStringAsync("/v1/slow");
        await entered.Task;
        Task stop = server.StopAsync();
        Assert.False(stop.IsCompleted);
        goOn.SetResult();

        Assert.Equal("done", await answer);
        await stop;
    }

    [Fact]
    public async Task Answers_WhenSent_HaveSecurityHeadersAndNoServerHeader()
    {
        await using RunningServer server = await RunningServer.StartAsync(
            new ServerHostOptions { MapEndpoints = routes => routes.MapGet("/v1/refused", (HttpContext _) => throw new BadHttpRequestException("no")) },
            "security.rate_limit_loopback=true");
        using HttpResponseMessage found = await server.Client.GetAsync("/v1/hello");
        using HttpResponseMessage missing = await server.Client.GetAsync("/nothing");
        using HttpResponseMessage refused = await server.Client.GetAsync("/v1/refused");

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        foreach (HttpResponseMessage response in (HttpResponseMessage[])[found, missing, refused])
        {
            Assert.Equal("\"hour\";q=1000;w=3600", Assert.Single(response.Headers.GetValues("RateLimit-Policy")));
            Assert.Single(response.Headers.GetValues("RateLimit"));
            Assert.Contains("frame-ancestors 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
            Assert.False(response.Headers.Contains("Server"));
            Assert.False(response.Headers.Contains("Strict-Transport-Security"));
        }
    }

    private static string Refused(params string[] assignments) =>
        Assert.Throws<SettingsException>(() => ServerHost.Create(RunningServer.Configuration(assignments))).Message;
}
