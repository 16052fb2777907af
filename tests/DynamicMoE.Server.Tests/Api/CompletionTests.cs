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

    public static TheoryData<string, int, string, string?> Refused => new()
    {
        { "{}", 400, "missing_field", "prompt" },
        { "[1]", 400, "invalid_value", null },
        { """{"prompt":""}""", 400, "invalid_value", "prompt" },
        { """{"prompt":[]}""", 400, "invalid_value", "prompt" },
        { """{"prompt":["a","b"]}""", 400, "invalid_value", "prompt" },
        { """{"prompt":[1,"b"]}""", 400, "invalid_value", "prompt[1]" },
        { """{"prompt":[-1]}""", 400, "invalid_value", "prompt[0]" },
        { """{"prompt":[1.5]}""", 400, "invalid_value", "prompt[0]" },
        { """{"prompt":{}}""", 400, "invalid_value", "prompt" },
        { $$"""{"prompt":[{{string.Join(',', Enumerable.Repeat("1", 65))}}]}""", 400, "invalid_value", "prompt" },
        { $$"""{"prompt":"{{new string('a', 64 * 256 + 1)}}"}""", 400, "invalid_value", "prompt" },
        { """{"prompt":"\ud800"}""", 400, "malformed_json", null },
        { """{"prompt":"a","prompt":"b"}""", 400, "duplicate_field", "prompt" },
        { """{"prompt":"a","model":"gpt"}""", 404, "model_not_found", "model" },
        { """{"prompt":"a","max_tokens":0}""", 400, "invalid_value", "max_tokens" },
        { """{"prompt":"a","max_tokens":2000000000}""", 400, "invalid_value", "max_tokens" },
        { """{"prompt":"a","temperature":2.5}""", 400, "invalid_value", "temperature" },
        { """{"prompt":"a","temperature":1e999}""", 400, "invalid_value", "temperature" },
        { """{"prompt":"a","top_p":0}""", 400, "invalid_value", "top_p" },
        { """{"prompt":"a","seed":"x"}""", 400, "invalid_value", "seed" },
        { """{"prompt":"a","stop":["1","2","3","4","5"]}""", 400, "invalid_value", "stop" },
        { """{"prompt":"a","stop":[""]}""", 400, "invalid_value", "stop[0]" },
        { """{"prompt":"a","stream":"yes"}""", 400, "invalid_value", "stream" },
        { """{"prompt":"a","stream":true,"stream_options":1}""", 400, "invalid_value", "stream_options" },
        { """{"prompt":"a","n":2}""", 400, "unsupported_value", "n" },
        { """{"prompt":"a","echo":true}""", 400, "unsupported_value", "echo" },
        { """{"prompt":"a","logprobs":1}""", 400, "unsupported_value", "logprobs" },
        { """{"prompt":"a","frequency_penalty":0.5}""", 400, "unsupported_value", "frequency_penalty" },
        { """{"prompt":"a","quality":-1}""", 400, "invalid_value", "quality" },
        { """{"prompt":"a","experts_budget":3}""", 400, "invalid_value", "experts_budget" },
        { """{"prompt":"a","experts_budget":1,"quality":1}""", 400, "invalid_value", "experts_budget" },
        { """{"prompt":"a","x":""" + new string('[', 100), 400, "malformed_json", null },
    };

    [Theory, MemberData(nameof(Refused))]
    public async Task Completion_WhenBodyIsWrong_IsRefused(string body, int status, string code, string? field)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync(Path, body)).IsProblem(status, code, field);
        Assert.Equal(code, answer.Json.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, host.Service.Calls);
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
        Assert.Equal("data: [DONE]", events[^1]);
        Assert.Equal(16, host.Service.LastGeneration!.MaxTokens);
    }

    [Theory]
    [InlineData("""{"messages":[]}""", 400, "invalid_value", "messages")]
    [InlineData("""{"messages":"Hi"}""", 400, "invalid_value", "messages")]
    [InlineData("""{"messages":[1]}""", 400, "invalid_value", "messages[0]")]
    [InlineData("""{"messages":[{"content":"a"}]}""", 400, "missing_field", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"user"}]}""", 400, "missing_field", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"robot","content":"a"}]}""", 400, "invalid_value", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", 400, "unsupported_value", "messages[0].content[0].type")]
    [InlineData("""{"messages":[{"role":"tool","content":"a"}]}""", 400, "chat_template_refused", "messages")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":[{}]}""", 400, "unsupported_value", "tools")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}}""", 400, "unsupported_value", "response_format")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"max_tokens":1,"max_completion_tokens":2}""", 400, "invalid_value", "max_tokens")]
    public async Task Chat_WhenBodyIsWrong_IsRefused(string body, int status, string code, string field)
    {
        await using ApiHost host = await ChatHostAsync();
        _ = (await host.PostAsync(Chat, body)).IsProblem(status, code, field);
        Assert.Equal(0, host.Service.Calls);
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
