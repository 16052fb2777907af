using System.Text.Json;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server.Tests;

/// <summary>Completions and chats.</summary>
public class CompletionTests
{
    private const string Path = "/v1/completions", Chat = "/v1/chat/completions";

    [Fact]
    public async Task Completion_WhenAsked_AnswersInOpenAiShape()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync(
            Path,
            """
            {"model":"tiny/moe","prompt":"Hi","max_tokens":5,"temperature":0.5,"top_p":0.9,"seed":-1,"stop":["\n","x"],"n":1,"echo":false,"user":"me","unknown":{"a":[1]},
             "quality":0.25,"include_experts":true,"logit_bias":{},"presence_penalty":0}
            """)).IsOk();
        JsonElement choice = answer.Json.GetProperty("choices")[0];
        Assert.Equal("Hello\n\"<\u20ac", choice.GetProperty("text").GetString());
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        Assert.Equal("""{"mean_experts_per_token":1.5,"experts":[1,2,1,2],"token_ids":[10,11,12,13]}""", choice.GetProperty("dynamicmoe").GetRawText());
        Assert.Equal("""{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}""", answer.Json.GetProperty("usage").GetRawText());
        Assert.Equal("1.5", answer.Header("DynamicMoE-Mean-Experts"));
        GenerationRequest request = host.Service.LastGeneration!;
        Assert.Equal(("Hi", 5, 0.5f, 0.9f, ulong.MaxValue, 0.25f), (request.Prompt, request.MaxTokens, request.Temperature, request.TopP, request.Seed, request.Quality));
        Assert.Equal(["\n", "x"], request.Stop);
    }

    [Theory]
    [InlineData("\"one\"", "one")]
    [InlineData("[\"one\"]", "one")]
    [InlineData("[5,6,7]", null)]
    public async Task Completion_WhenPromptHasAForm_TakesIt(string prompt, string? text)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = (await host.PostAsync(Path, $$"""{"prompt":{{prompt}},"stop":"end"}""")).IsOk();
        GenerationRequest request = host.Service.LastGeneration!;
        Assert.Equal(text, request.Prompt);
        Assert.Equal(text is null ? [5, 6, 7] : [], request.PromptTokens.ToArray());
        Assert.Equal((16, 1f, 1f, null), (request.MaxTokens, request.Temperature, request.TopP, request.Seed));
        Assert.Equal(["end"], request.Stop);
    }

    [Fact]
    public async Task Completion_WhenStreamed_SendsAnEventPerTokenAndDone()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Ceiling = 1.5;
        Answer answer = (await host.PostAsync(Path, """{"prompt":"Hi","stream":true,"include_experts":true,"stream_options":{"include_usage":true}}""")).IsOk();
        Assert.Equal("text/event-stream", answer.Type);
        Assert.Equal("1.5", answer.Header("DynamicMoE-Experts-Ceiling"));
        string[] events = answer.Events();
        Assert.Equal("data: [DONE]", events[^1]);
        JsonElement[] data = [.. events[..^1].Select(e => JsonDocument.Parse(e["data: ".Length..]).RootElement)];
        Assert.Equal(["He", "llo", "", "\n\"<\u20ac"], data[..4].Select(d => d.GetProperty("choices")[0].GetProperty("text").GetString()));
        Assert.Equal("""{"experts":[2],"token_ids":[11]}""", data[1].GetProperty("choices")[0].GetProperty("dynamicmoe").GetRawText());
        Assert.Equal("""{"mean_experts_per_token":1.5,"experts_ceiling":1.5,"experts":[2],"token_ids":[13]}""", data[3].GetProperty("choices")[0].GetProperty("dynamicmoe").GetRawText());
        Assert.All(data[..4], d => Assert.Equal(JsonValueKind.Null, d.GetProperty("usage").ValueKind));
        Assert.All(data[..4], d => Assert.Equal(JsonValueKind.Null, d.GetProperty("choices")[0].GetProperty("logprobs").ValueKind));
        Assert.Equal(0, data[4].GetProperty("choices").GetArrayLength());
        Assert.Equal(7, data[4].GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.Equal(5, data.Length);
    }

    [Fact]
    public async Task Completion_WhenStreamedWithoutExperts_LeavesEmptyTextOut()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        string[] events = (await host.PostAsync(Path, """{"prompt":"Hi","stream":true}""")).IsOk().Events();
        Assert.Equal(4, events.Length);
        Assert.DoesNotContain("dynamicmoe", events[0], StringComparison.Ordinal);
        Assert.All(events, e => Assert.DoesNotContain("usage", e, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Completion_WhenItBreaksBeforeTheFirstToken_IsAProblem()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Breaks = (0, new ExpertDispatchException("token 0: expert 1 gave NaN"));
        Answer answer = (await host.PostAsync(Path, """{"prompt":"Hi","stream":true}""")).IsProblem(422, "expert_failed");
        Assert.Equal("invalid_request_error", answer.Json.GetProperty("error").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Completion_WhenItBreaksLater_EndsWithAnErrorEvent()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Breaks = (2, new InvalidOperationException("secret of the inside"));
        string[] events = (await host.PostAsync(Path, """{"prompt":"Hi","stream":true}""")).IsOk().Events();
        Assert.StartsWith("event: error\ndata: {", events[^1], StringComparison.Ordinal);
        Assert.Contains("\"code\":\"internal_error\"", events[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("secret", events[^1], StringComparison.Ordinal);
        Assert.Equal(3, events.Length);
    }

    [Fact]
    public async Task Completion_WhenTheClientLeaves_IsCancelled()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Gate = new TaskCompletionSource();
        using (var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent("""{"prompt":"Hi","stream":true}""", null, "application/json") })
        using (HttpResponseMessage response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using Stream body = await response.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await body.ReadAsync(new byte[16]));
        }

        await host.Service.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Completion_WhenModelGeneratesNothing_IsRefused()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Info = host.Service.Info with { Generates = false };
        _ = (await host.PostAsync(Path, """{"prompt":"a"}""")).IsProblem(400, "model_does_not_generate");
    }

    [Fact]
    public async Task Chat_WhenModelHasNoTemplate_IsRefused()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        _ = (await host.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}]}""")).IsProblem(400, "model_has_no_chat_template");
        Assert.Equal(0, host.Service.Calls);
    }

    [Fact]
    public async Task Chat_WhenModelHasATemplate_AnswersWithAMessage()
    {
        await using ApiHost host = await ChatHostAsync();
        Answer answer = (await host.PostAsync(Chat, """{"messages":[{"role":"system","content":"Be"},{"role":"user","content":[{"type":"text","text":"H"},{"type":"text","text":"i"}]}],"max_completion_tokens":7}""")).IsOk();
        JsonElement message = answer.Json.GetProperty("choices")[0].GetProperty("message");
        Assert.Equal(("assistant", "Hello\n\"<\u20ac"), (message.GetProperty("role").GetString(), message.GetProperty("content").GetString()));
        Assert.Equal("<s>system:Be;user:Hi;assistant:", host.Service.LastGeneration!.Prompt);
        Assert.Equal(7, host.Service.LastGeneration.MaxTokens);
    }

    [Fact]
    public async Task Chat_WhenStreamed_BeginsWithTheRole()
    {
        await using ApiHost host = await ChatHostAsync();
        string[] events = (await host.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""")).IsOk().Events();
        Assert.Contains("\"delta\":{\"role\":\"assistant\",\"content\":\"\"}", events[0], StringComparison.Ordinal);
        Assert.Contains("\"delta\":{\"content\":\"He\"}", events[1], StringComparison.Ordinal);
        Assert.Contains("\"finish_reason\":\"length\"", events[^2], StringComparison.Ordinal);
        Assert.All(events[..^1], e => Assert.Contains("\"logprobs\":null", e, StringComparison.Ordinal));
        string[] counted = (await host.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true}}""")).IsOk().Events();
        Assert.All(counted[..^2], e => Assert.Contains("\"usage\":null", e, StringComparison.Ordinal));
        Assert.Contains("\"total_tokens\":7", counted[^2], StringComparison.Ordinal);
        Assert.Equal("data: [DONE]", events[^1]);
        Assert.Equal(16, host.Service.LastGeneration!.MaxTokens);
    }

    [Fact]
    public async Task Chat_WhenTemplateIsBroken_TellsWhere()
    {
        await using ApiHost host = await ChatHostAsync();
        host.Service.Info = host.Service.Info with { ChatTemplate = "\n{% macro x() %}" };
        Answer answer = (await host.PostAsync(Chat, """{"messages":[{"role":"user","content":"a"}]}""")).IsProblem(500, "chat_template_unusable");
        Assert.Contains("line 2", answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static async Task<ApiHost> ChatHostAsync()
    {
        ApiHost host = await ApiHost.StartAsync();
        const string template =
            "{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}{{ m.role }}:{{ m['content'] }};{% endfor %}" +
            "{% if add_generation_prompt %}assistant:{% endif %}";
        host.Service.Info = host.Service.Info with { ChatTemplate = template, BosToken = "<s>", EosToken = "</s>" };
        return host;
    }
}
