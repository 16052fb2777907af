using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Server.Tests;

/// <summary>Models, figures, feedback and admin.</summary>
public class OperationTests
{
    [Fact]
    public async Task Models_WhenListed_HaveLayersAndLimits()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        JsonElement model = (await host.GetAsync("/v1/models")).IsOk().Json.GetProperty("data")[0];
        Assert.Equal("tiny/moe", model.GetProperty("id").GetString());
        Assert.Equal(1_700_000_000, model.GetProperty("created").GetInt64());
        JsonElement details = model.GetProperty("dynamicmoe");
        Assert.Equal(("bf16", "00000000000000000000000000000007"), (details.GetProperty("format").GetString(), details.GetProperty("hash").GetString()));
        Assert.False(details.GetProperty("layers")[1].GetProperty("forwards").GetBoolean());
        Assert.Equal("tiny/moe", (await host.GetAsync("/v1/models/tiny/moe")).IsOk().Json.GetProperty("id").GetString());
        _ = (await host.GetAsync("/v1/models/other")).IsProblem(404, "model_not_found", "id");
    }

    [Fact]
    public async Task Stats_WhenAsked_HaveNullForWhatIsNoNumber()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.GetAsync("/v1/stats")).IsOk();
        Assert.Equal("running", answer.Json.GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Null, answer.Json.GetProperty("latency").GetProperty("p99").ValueKind);
        Assert.Equal("half_open", answer.Json.GetProperty("circuit_breaker").GetString());
        Assert.Equal("no-store", answer.Header("Cache-Control"));
    }

    [Theory]
    [InlineData("99")]
    [InlineData("10001")]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("100&interval=100")]
    public async Task Stream_WhenIntervalIsWrong_IsRefused(string interval)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = (await host.GetAsync("/v1/stats/stream?interval=" + interval)).IsProblem(400, "invalid_value", "interval");
    }

    [Fact]
    public async Task Stream_WhenFollowed_SendsAgainAndAgain()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using HttpResponseMessage response = await host.Client.GetAsync(new Uri("/v1/stats/stream?interval=100", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (int i = 0; i < 2; i++)
        {
            string line = (await lines.ReadLineAsync())!;
            Assert.Equal("tiny/moe", JsonDocument.Parse(line["data: ".Length..]).RootElement.GetProperty("model").GetString());
            Assert.Equal("", await lines.ReadLineAsync());
        }
    }

    [Fact]
    public async Task Stream_WhenTooManyListen_IsRefusedUntilOneLeaves()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var listeners = new List<HttpResponseMessage>();
        var path = new Uri("/v1/stats/stream?interval=10000", UriKind.Relative);
        for (int i = 0; i < StatsEndpoints.MaxListeners; i++)
        {
            listeners.Add(await host.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead));
        }

        Assert.NotNull((await host.GetAsync(path.OriginalString)).IsProblem(429, "too_many_listeners").Header("Retry-After"));
        listeners.ForEach(l => l.Dispose());
    }

    [Fact]
    public async Task Stream_WhenHostStops_Ends()
    {
        ApiHost host = await ApiHost.StartAsync();
        using var client = new HttpClient { BaseAddress = host.Address };
        using HttpResponseMessage response = await client.GetAsync(new Uri("/v1/stats/stream?interval=10000", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Task<string> rest = response.Content.ReadAsStringAsync();
        await host.DisposeAsync();
        Assert.StartsWith("data: {", await rest.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Feedback_WhenGiven_AnswersTheOffset()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Assert.Equal("""{"offset":-0.25}""", (await host.PostAsync("/v1/feedback", """{"performance_score":0.75}""")).IsOk().Text);
    }

    [Theory]
    [InlineData("{}", "missing_field")]
    [InlineData("""{"performance_score":1.5}""", "invalid_value")]
    [InlineData("""{"performance_score":"1"}""", "invalid_value")]
    [InlineData("""{"performance_score":1,"x":1}""", "unknown_field")]
    [InlineData("""{"performance_score":1,"performance_score":1}""", "duplicate_field")]
    public async Task Feedback_WhenWrong_IsRefused(string body, string code)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = (await host.PostAsync("/v1/feedback", body)).IsProblem(400, code);
        Assert.Equal(0, host.Service.Calls);
    }

    [Fact]
    public async Task Admin_WhenItFreezesThawsAndClears_SaysSo()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Assert.Equal("""{"frozen":true}""", (await host.PostAsync("/v1/admin/freeze", "")).IsOk().Text);
        Assert.True(host.Service.Frozen);
        Assert.Equal("""{"frozen":false}""", (await host.PostAsync("/v1/admin/thaw", "{}")).IsOk().Text);
        Assert.False(host.Service.Frozen);
        Assert.Equal("""{"rows":12}""", (await host.PostAsync("/v1/admin/cache/clear", "{}")).IsOk().Text);
        _ = (await host.PostAsync("/v1/admin/freeze", """{"x":1}""")).IsProblem(400, "unknown_field", "x");
        _ = (await host.PostAsync("/v1/admin/freeze", [], "text/plain")).IsProblem(415, "unsupported_media_type");
        Assert.False(host.Service.Frozen);
    }

    [Fact]
    public async Task Admin_WhenItReloadsTheModel_AnswersWhatIsServed()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync("/v1/admin/reload", """{"model":"models/b"}""")).IsOk();
        Assert.Equal("models/b", host.Service.LastReload);
        Assert.Equal("tiny/moe", answer.Json.GetProperty("model").GetProperty("id").GetString());
        _ = (await host.PostAsync("/v1/admin/reload", "")).IsOk();
        Assert.Null(host.Service.LastReload);
        host.Service.ReloadFailure = new DynamicMoEException("tensor 'x' is missing");
        _ = (await host.PostAsync("/v1/admin/reload", "{}")).IsProblem(422, "reload_refused");
    }

    [Fact]
    public async Task Admin_WhenItReloadsTheConfiguration_AnswersWhatChanged()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Assert.Equal("""{"applied":[],"after_restart":[]}""", (await host.PostAsync("/v1/admin/config/reload", "")).IsOk().Text);
        var configuration = host.Services.GetRequiredService<IConfiguration>();
        configuration["serving:queue_capacity"] = "7";
        JsonElement answer = (await host.PostAsync("/v1/admin/config/reload", "")).IsOk().Json;
        Assert.Contains("serving.queue_capacity", answer.GetRawText(), StringComparison.Ordinal);
        configuration["serving:queue_capacity"] = "-7";
        _ = (await host.PostAsync("/v1/admin/config/reload", "")).IsProblem(422, "configuration_refused");
    }
}
