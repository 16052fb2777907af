using System.Net;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server.Tests;

/// <summary>Every error is a problem document.</summary>
public class ProblemTests
{
    private const string OneToken = """{"hidden":[[1,2,3]]}""";

    [Fact]
    public async Task Path_WhenUnknown_Is404()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = (await host.GetAsync("/v1/nothing")).IsProblem(404, "not_found");
        _ = (await host.GetAsync("/")).IsProblem(404, "not_found");
    }

    [Fact]
    public async Task Method_WhenAnother_Is405WithAllow()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.GetAsync("/v1/route")).IsProblem(405, "method_not_allowed");
        Assert.Equal("POST", answer.Header("Allow"));
        _ = (await host.PostAsync("/v1/stats", "{}")).IsProblem(405, "method_not_allowed");
    }

    [Fact]
    public async Task Head_WhenSent_HasNoBody()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, "/v1/nothing");
        using HttpResponseMessage response = await host.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    public static TheoryData<ServiceState, int, string, string> Unavailable => new()
    {
        { ServiceState.Running, 429, "overloaded", "3" },
        { ServiceState.Draining, 503, "draining", "1" },
        { ServiceState.Starting, 503, "starting", "1" },
        { ServiceState.Stopped, 503, "stopped", "1" },
        { ServiceState.Failed, 503, "failed", "30" },
    };

    [Theory, MemberData(nameof(Unavailable))]
    public async Task Service_WhenUnavailable_TellsWhenToTryAgain(ServiceState state, int status, string code, string retryAfter)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Refusal = new ServiceUnavailableException("not now", state, state == ServiceState.Running ? TimeSpan.FromSeconds(2.1) : TimeSpan.Zero);
        Assert.Equal(retryAfter, (await host.PostAsync("/v1/forward", OneToken)).IsProblem(status, code).Header("Retry-After"));
        Answer completion = (await host.PostAsync("/v1/completions", """{"prompt":"a","stream":true}""")).IsProblem(status, code);
        Assert.Equal(status == 429 ? "rate_limit_error" : "server_error", completion.Json.GetProperty("error").GetProperty("type").GetString());
    }

    // What is refused is not read, parsed or rendered before: the bodies are broken, and nobody notices.
    [Theory]
    [InlineData("/v1/route")]
    [InlineData("/v1/forward")]
    [InlineData("/v1/completions")]
    [InlineData("/v1/chat/completions")]
    public async Task Service_WhenItsQueueIsFull_RefusesBeforeTheWork(string path)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Refusal = new ServiceUnavailableException("full", ServiceState.Running, TimeSpan.FromSeconds(1));
        _ = (await host.PostAsync(path, "{")).IsProblem(429, "overloaded");
        Assert.Equal(0, host.Service.Calls);
    }

    public static TheoryData<Exception, int, string> Failures => new()
    {
        { new RoutingValidationException("hidden: token 3 has NaN"), 422, "routing_validation" },
        { new ExpertDispatchException("expert 2 gave NaN"), 422, "expert_failed" },
        { new LoadBalancingException("1 expert is left, 2 are needed"), 422, "too_few_experts" },
        { new CircuitOpenException("open"), 503, "circuit_open" },
        { new DynamicMoEMemoryException("1 GB"), 503, "out_of_memory" },
        { new InsufficientMemoryException(), 503, "out_of_memory" },
    };

    [Theory, MemberData(nameof(Failures))]
    public async Task Service_WhenItRefuses_IsMapped(Exception error, int status, string code)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Refusal = error;
        _ = (await host.PostAsync("/v1/forward", OneToken)).IsProblem(status, code);
    }

    [Fact]
    public async Task Service_WhenItFails_TellsNothingOfTheInside()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Refusal = new InvalidOperationException("password=hunter2 at /var/lib");
        Answer answer = (await host.PostAsync("/v1/forward", OneToken)).IsProblem(500, "internal_error");
        Assert.DoesNotContain("hunter2", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", answer.Text, StringComparison.Ordinal);
        Assert.NotEmpty(answer.Json.GetProperty("request_id").GetString()!);
    }

    [Fact]
    public async Task Problem_WhenItQuotesTheCaller_CutsAndEscapes()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync("/v1/forward", "{\"" + new string('a', 5000) + "\\u0007\":1}")).IsProblem(400, "unknown_field");
        Assert.True(answer.Body.Length < 1000);
    }
}
