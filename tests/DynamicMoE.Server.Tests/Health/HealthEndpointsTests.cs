using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace DynamicMoE.Server.Tests.Health;

public sealed class HealthEndpointsTests
{
    [Fact]
    public async Task Health_WhenChecksFail_TellsByTheirTags()
    {
        HealthCheckResult model = HealthCheckResult.Unhealthy("The model is being loaded.");
        await using RunningServer server = await RunningServer.StartAsync(new ServerHostOptions
        {
            ConfigureServices = services => services.AddHealthChecks()
                .AddCheck("model", () => model, tags: ["startup", "ready"])
                .AddCheck("queue", () => HealthCheckResult.Degraded("The queue is above its high-water mark."), tags: ["ready"])
                .AddCheck("loop", () => HealthCheckResult.Healthy(), tags: ["live"])
                .AddCheck("secret", () => throw new InvalidOperationException("password"), tags: ["other"]),
        });

        Assert.Equal((HttpStatusCode.OK, """{"status":"healthy","checks":[{"name":"loop","status":"healthy"}]}"""), await AskAsync(server, "live"));
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, """{"status":"unhealthy","checks":[{"name":"model","status":"unhealthy","description":"The model is being loaded."}]}"""),
            await AskAsync(server, "startup"));
        model = HealthCheckResult.Healthy();
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, "startup")).Status);
        (HttpStatusCode status, string body) = await AskAsync(server, "ready");
        using JsonDocument report = JsonDocument.Parse(body);
        Assert.Equal((HttpStatusCode.OK, "degraded"), (status, report.RootElement.GetProperty("status").GetString()));
        Assert.Equal(["accepting", "model", "queue"], report.RootElement.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Health_WhenACheckThrows_HoldsNothingOfTheException()
    {
        await using RunningServer server = await RunningServer.StartAsync(new ServerHostOptions
        {
            ConfigureServices = services => services.AddHealthChecks().AddCheck("model", () => throw new InvalidOperationException("/secret/path"), tags: ["live"]),
        });

        Assert.Equal((HttpStatusCode.ServiceUnavailable, """{"status":"unhealthy","checks":[{"name":"model","status":"unhealthy"}]}"""), await AskAsync(server, "live"));
    }

    [Fact]
    public async Task Ready_WhenTheHostIsToldToStop_IsNotAnyMore()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        HealthCheckService checks = server.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Healthy, (await checks.CheckHealthAsync()).Status);
        server.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.Equal(HealthStatus.Unhealthy, (await checks.CheckHealthAsync()).Status);
    }

    [Fact]
    public async Task Health_WhenAskedOtherwise_Refuses()
    {
        await using RunningServer server = await RunningServer.StartAsync("security.rate_limit=1", "security.rate_limit_loopback=true");

        Assert.Equal(HttpStatusCode.NotFound, await server.Client.StatusAsync(Of(server, HttpMethod.Get, "/healthz/")));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await server.Client.StatusAsync(Of(server, HttpMethod.Post, "/healthz/live")));
        using HttpResponseMessage head = await server.Client.SendAsync(Of(server, HttpMethod.Head, "/healthz/live"));
        Assert.Equal((HttpStatusCode.OK, ""), (head.StatusCode, await head.Content.ReadAsStringAsync()));
    }

    private static HttpRequestMessage Of(RunningServer server, HttpMethod method, string path) => new(method, new Uri(server.Addresses.Health, path));

    private static async Task<(HttpStatusCode Status, string Body)> AskAsync(RunningServer server, string tag)
    {
        using HttpResponseMessage response = await server.Client.SendAsync(Of(server, HttpMethod.Get, $"/healthz/{tag}"));
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
