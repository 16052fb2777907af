using System.Text.Json;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server.Tests;

/// <summary>Another model takes the place of the one that a request was read for.</summary>
public class ModelExchangeTests
{
    private const string Completions = "/v1/completions", Chat = "/v1/chat/completions", Forward = "/v1/forward";

    [Fact]
    public async Task Chat_WhenTheModelIsExchanged_IsRenderedAndNamedAnew()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Info = host.Service.Info with { ChatTemplate = "A:{{ messages[0].content }}" };
        host.Service.Next = host.Service.Info with { Name = "other", ChatTemplate = "B:{{ messages[0].content }}", MaxPositions = 32 };
        Answer answer = (await host.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}]}""")).IsOk();
        Assert.Equal("other", answer.Json.GetProperty("model").GetString());
        Assert.Equal(("B:Hi", 8), (host.Service.LastGeneration!.Prompt, host.Service.LastGeneration.MaxTokens));
    }

    [Fact]
    public async Task Completion_WhenItNamesTheModelThatWasExchanged_IsRefused()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Next = host.Service.Info with { Name = "other" };
        _ = (await host.PostAsync(Completions, """{"model":"tiny/moe","prompt":"a"}""")).IsProblem(404, "model_not_found", "model");
        Assert.Null(host.Service.LastGeneration);
    }

    [Fact]
    public async Task Layer_WhenTheNewModelTakesOtherDimensions_IsRefused()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Next = host.Service.Info with { Layers = [new(0, 4, 4, 1, 4, 2, true)] };
        _ = (await host.PostAsync(Forward, """{"hidden":[[1,2,3]]}""")).IsProblem(400, "invalid_value", "hidden");
        Assert.Null(host.Service.LastLayer);
    }

    [Fact]
    public async Task Layer_WhenTheNewModelTakesTheSame_IsAnsweredByIt()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        ServedModelInfo next = host.Service.Info with { Name = "other" };
        host.Service.Next = next;
        JsonElement answer = (await host.PostAsync(Forward, """{"hidden":[[1,2,3]]}""")).IsOk().Json;
        Assert.Equal("[[2,4,6]]", answer.GetProperty("output").GetRawText());
        Assert.Same(next, host.Service.LastLayer!.Model);
    }

    [Fact]
    public async Task Requests_WhenModelsAreExchangedAgainAndAgain_AreToldToComeBack()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Refusal = new ModelExchangedException("another model is served");
        Assert.Equal("1", (await host.PostAsync(Completions, """{"prompt":"a"}""")).IsProblem(503, "model_exchanged").Header("Retry-After"));
        _ = (await host.PostAsync(Forward, """{"hidden":[[1,2,3]]}""")).IsProblem(503, "model_exchanged");
        Assert.Equal(2 * ModelExchange.MostAttempts, host.Service.Calls);
    }
}
