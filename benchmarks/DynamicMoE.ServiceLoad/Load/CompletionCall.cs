using System.Text;
using System.Text.Json;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>A /v1/completions, whole or streamed, whose count of tokens tells whose answer it is.</summary>
internal sealed class CompletionCall(int promptTokens, int maxTokens, bool stream, string json)
    : Call(stream ? CallKind.Stream : CallKind.Completion, HttpText.Post("/v1/completions", json))
{
    private const string Mark = "data: ";

    public static CompletionCall Random(Random random, int promptTokens, int maxTokens, bool stream)
    {
        // Letters and spaces: one token each for TinyMoE, whose tokens are bytes.
        string prompt = string.Concat(Enumerable.Range(0, promptTokens).Select(_ => (char)(random.Next(5) == 0 ? ' ' : 'a' + random.Next(26))));
        string options = stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "";
        return new CompletionCall(promptTokens, maxTokens, stream, $$"""{"prompt":"{{prompt}}","max_tokens":{{maxTokens}},"temperature":0{{options}}}""");
    }

    public override string? Fault(HttpReply reply, out string? id) => stream ? FaultOfStream(reply, out id) : FaultOfDocument(reply.Body, out id);

    private string? FaultOfStream(HttpReply reply, out string? id)
    {
        id = null;
        string[] events = Encoding.UTF8.GetString(reply.Body).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        if (events.Length < 3 || events[^1] != "data: [DONE]")
        {
            return $"stream ends with {(events.Length == 0 ? "nothing" : events[^1])}";
        }

        if (Array.Find(events, e => !e.StartsWith(Mark, StringComparison.Ordinal)) is { } strange)
        {
            return $"event {strange}";
        }

        int finished = events.Count(e => !e.Contains("\"finish_reason\":null", StringComparison.Ordinal) && e.Contains("\"finish_reason\":", StringComparison.Ordinal));
        string? fault = FaultOfDocument(Encoding.UTF8.GetBytes(events[^2][Mark.Length..]), out id);
        string own = $"\"id\":\"{id}\"";
        return fault ?? (finished != 1 ? $"{finished} ends" : events[..^1].All(e => e.Contains(own, StringComparison.Ordinal)) ? null : "an event of another answer");
    }

    private string? FaultOfDocument(byte[] body, out string? id)
    {
        using var document = JsonDocument.Parse(body);
        id = document.RootElement.GetProperty("id").GetString();
        JsonElement usage = document.RootElement.GetProperty("usage");
        int prompt = usage.GetProperty("prompt_tokens").GetInt32(), answer = usage.GetProperty("completion_tokens").GetInt32();
        return prompt == promptTokens && answer == maxTokens ? null : $"{prompt} + {answer} tokens instead of {promptTokens} + {maxTokens}";
    }
}
