namespace DynamicMoE.Server.Tests;

/// <summary>Bodies of completions and chats that are wrong are refused by name, and none of them reaches the service.</summary>
public sealed class HostileCompletionTests(SharedHost shared) : IClassFixture<SharedHost>
{
    private const string Path = "/v1/completions", Chat = "/v1/chat/completions";

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
        ApiHost host = shared.Host;
        Answer answer = (await host.PostAsync(Path, body)).IsProblem(status, code, field);
        Assert.Equal(code, answer.Json.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, host.Service.Calls);
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
        ApiHost host = shared.Host;
        _ = (await host.PostAsync(Chat, body)).IsProblem(status, code, field);
        Assert.Equal(0, host.Service.Calls);
    }
}
